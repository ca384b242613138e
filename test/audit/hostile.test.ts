// An index, a source of leaves and strings that somebody else wrote, who would like the auditor to hang, crash or be misled.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import type { Audit } from "../../tasks/audit/audit.ts";
import { IndexError, indexSource, type IndexRow } from "../../tasks/audit/index-source.ts";
import { leafSource } from "../../tasks/audit/leaves.ts";
import { htmlOf } from "../../tasks/audit/report/html.ts";
import { jsonOf } from "../../tasks/audit/report/json.ts";
import { textOf } from "../../tasks/audit/report/text.ts";

const word = (digit: number) => `0x${String(digit).repeat(64)}` as const;

describe("an audit among liars", () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(0)));
    server = undefined;
  });
  async function serve(answer: RequestListener): Promise<string> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  async function index(data: (asked: number) => unknown): Promise<{ url: string; asked: () => number }> {
    let asked = 0;
    const url = await serve((_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data: data(asked++) }));
    });
    return { url, asked: () => asked };
  }
  const failure = async (work: Promise<unknown>): Promise<Error> => {
    const error = await work.then(
      () => new Error("nothing was refused"),
      (problem: Error) => problem,
    );
    expect(error).to.be.instanceOf(IndexError);
    expect(error.message)
      .to.contain("leave it out")
      .and.not.match(/\p{Cc}/u);
    return error;
  };
  const page = (from: number, length = 1_000): IndexRow[] =>
    Array.from({ length }, (_, i) => ({ id: `0x${(from + i).toString(16).padStart(8, "0")}` }));

  it("reads no index for ever that repeats its pages, goes back, or fills them beyond their size", async () => {
    for (const batches of [page(1), page(1, 1_001), [...page(2, 2), ...page(1, 1)], [{}], [null], null, "rows"]) {
      const { url, asked } = await index(() => ({ batches }));
      await failure(indexSource(url).rows("batches", "count", 0, 1));
      expect(asked()).to.be.at.most(2);
      server!.closeAllConnections();
      await new Promise((resolve) => server!.close(resolve));
      server = undefined;
    }
    const { url } = await index((asked) => ({ batches: page(1 + 1_000 * asked, asked === 2 ? 5 : 1_000) }));
    expect(await indexSource(url).rows("batches", "count", 0, 1)).to.have.length(2_005);
  }).timeout(60_000);

  it("reads so much of an answer, and prints no control character of what an index says went wrong", async () => {
    const url = await serve((_, response) => {
      response.setHeader("content-type", "application/json");
      const part = Buffer.alloc(1_000_000, " ");
      const more = (): void => {
        while (!response.destroyed && response.write(part));
      };
      response.on("drain", more);
      more();
    });
    expect((await failure(indexSource(url).head())).message).to.contain("more than");
    server!.closeAllConnections();
    server!.close();
    const errors = await serve((_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ errors: [{ message: "\u001b[2J\u009b1A all is well" }] }));
    });
    await failure(indexSource(errors).head());
  }).timeout(60_000);

  it("takes no index for whole that does not say so in plain words", async () => {
    for (const meta of [null, {}, { block: null }, { block: { number: "many" } }, { block: { number: 1e300 } }]) {
      const { url } = await index(() => ({ _meta: meta }));
      await failure(indexSource(url).head());
      server!.closeAllConnections();
      await new Promise((resolve) => server!.close(resolve));
      server = undefined;
    }
    const { url } = await index(() => ({ _meta: { block: { number: 7 } } }));
    expect(await indexSource(url).head()).to.deep.equal({ number: 7, hash: null, failed: true });
  });

  it("hands a source of leaves no path, and reads so much of it", async () => {
    const url = await serve((request, response) => {
      if (request.url!.includes("redirect")) response.writeHead(302, { location: "http://169.254.169.254/" }).end();
      else response.writeHead(404).end();
    });
    expect(await leafSource(`${url}/redirect/{dataHash}`)(word(1))).to.have.property("problem");
    expect(await leafSource(`${url}/{dataHash}`)(word(1))).to.deep.equal({ problem: `${url}/${word(1)} answers 404` });
  });

  it("writes what others wrote as text: into its page no element, into a terminal no control character", () => {
    const evil = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&\u001b[2J\r\nall is well\u202e`;
    const audit = {
      ...{ registry: word(1), chainId: 31337n, from: 1, to: 2, clean: false },
      lines: [
        {
          ...{ topic: "index", claim: "a claim", how: "by looking", checked: 1 },
          mismatches: [{ subject: evil, expected: evil, found: evil, transaction: evil }],
          unknown: [{ subject: evil, why: evil }],
        },
      ],
      figures: {
        receipts: [],
        delay: null,
        fees: [{ receiver: evil, amount: 1n }],
        unlocks: [{ allocation: evil, scheduled: 1n, released: 1n }],
      },
    } as unknown as Audit;
    const html = htmlOf(audit);
    expect(html).not.to.match(/<script|<img|onerror='|&\s/);
    expect(html.match(/&#60;script&#62;/g)).to.have.length(8);
    expect(JSON.parse(jsonOf(audit))).to.have.nested.property("lines[0].mismatches[0].subject", evil);
    const lines = textOf(audit).split("\n");
    expect(lines.filter((line) => /\p{Cc}|\p{Cf}/u.test(line))).to.deep.equal([]);
    expect(lines.filter((line) => line.startsWith("all is well"))).to.deep.equal([]);
  });
});
