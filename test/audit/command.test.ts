import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { activity } from "./support.ts";

type World = Awaited<ReturnType<typeof activity>>;

describe("hardhat opg:audit", function () {
  let w: World;
  let folder: string;
  let server: Server;
  before(async () => {
    w = await activity();
    folder = await mkdtemp(join(tmpdir(), "audit-"));
    await writeFile(join(folder, "addresses.json"), JSON.stringify(w.addresses));
    for (const [dataHash, document] of w.published) {
      const name = dataHash.slice(2);
      await mkdir(join(folder, "leaves", name.slice(0, 2)), { recursive: true });
      await writeFile(join(folder, "leaves", name.slice(0, 2), `${name}.leaves`), document);
    }
    server = await serve(w);
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs the command as a user does. */
  const command = (...args: string[]) =>
    new Promise<{ code: number; output: string; errors: string }>((resolve) => {
      const { port } = server.address() as AddressInfo;
      const env = { ...process.env, LOCALHOST_RPC_URL: `http://127.0.0.1:${port}` };
      execFile("hardhat", ["opg:audit", "--network", "localhost", ...args], { env }, (problem, output, errors) =>
        resolve({ code: problem === null ? 0 : Number(problem.code), output, errors }),
      );
    });

  it("exits 0 over clean books, and 1 with the line where published leaves are not what settled", async () => {
    const books = ["--addresses", join(folder, "addresses.json"), "--leaves", join(folder, "leaves")];
    const page = join(folder, "audit.html");
    const good = await command(...books, "--format", "html", "--output", page);
    expect(good.code, good.errors).to.equal(0);
    expect(await readFile(page, "utf8")).to.contain("0 mismatches, 0 that could not be told");

    const name = [...w.published.keys()][0]!.slice(2);
    await writeFile(join(folder, "leaves", name.slice(0, 2), `${name}.leaves`), "not what settled");
    const bad = await command(...books, "--from", "1", "--chunk", "50");
    expect(bad.code).to.equal(1);
    expect(bad.output).to.match(/MISMATCH .*Every settled batch is over the leaves/);
    expect(bad.output).to.contain("checked by: leaves by their dataHash");

    const wrong = await command("--addresses", join(folder, "none.json"));
    expect(wrong.code).to.equal(1);
    expect(wrong.errors.trim().split("\n")).to.have.length(1);
    expect(wrong.errors).to.contain("name --addresses");
  }).timeout(300_000);
});

/** The chain in this process, for others. */
async function serve({ connection }: World): Promise<Server> {
  const made = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const call = JSON.parse(body) as Call | Call[];
    const answers = await Promise.all((Array.isArray(call) ? call : [call]).map(answer));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(Array.isArray(call) ? answers : answers[0]));
  });
  async function answer({ id, method, params }: Call) {
    try {
      return { jsonrpc: "2.0", id, result: await connection.provider.request({ method, params }) };
    } catch (problem) {
      return { jsonrpc: "2.0", id, error: { code: -32_000, message: (problem as Error).message } };
    }
  }
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return made;
}

interface Call {
  id: number;
  method: string;
  params: unknown[];
}
