// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Transaction, Wallet, type TransactionLike } from "ethers";
import { remoteSigner } from "../../relayer/signer/index.ts";

/** A signer that holds a key, over real HTTP, and does as a test says with what it is asked to sign. */
describe("a signer elsewhere", () => {
  const wallet = new Wallet(Wallet.createRandom().privateKey);
  const stranger = new Wallet(`0x${"07".repeat(32)}`);
  const token = "signer-token-0123456789";
  type Params = Record<
    "from" | "to" | "nonce" | "chainId" | "value" | "gas" | "maxFeePerGas" | "maxPriorityFeePerGas" | "data",
    string
  >;
  type Reply = { status?: number; body: unknown; location?: string } | "hang" | "drop";
  let server: Server;
  let url: string;
  let asked: { authorization: string | undefined; method: string; params: Params[] }[];
  let reply: (params: Params) => Promise<Reply>;

  const signed = (params: Params, over: TransactionLike = {}, by = wallet): Promise<string> =>
    by.signTransaction({
      ...{ type: 2, chainId: BigInt(params.chainId), nonce: Number(params.nonce), to: params.to, data: params.data },
      ...{ value: BigInt(params.value), gasLimit: BigInt(params.gas), maxFeePerGas: BigInt(params.maxFeePerGas) },
      ...{ maxPriorityFeePerGas: BigInt(params.maxPriorityFeePerGas), ...over },
    } as Parameters<Wallet["signTransaction"]>[0]);

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ authorization: request.headers.authorization, method, params });
      const answer = await reply(params[0]);
      if (answer === "hang") return;
      if (answer === "drop") return void request.socket.destroy();
      const { status = 200, body, location } = answer;
      response.writeHead(status, { "content-type": "application/json", ...(location ? { location } : {}) });
      response.end(typeof body === "string" ? body : JSON.stringify({ jsonrpc: "2.0", id, ...(body as object) }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    asked = [];
  });

  const wanted = {
    ...{ type: 2 as const, chainId: 31337, nonce: 7, to: `0x${"ab".repeat(20)}`, data: "0x12345678ff", value: 0n },
    ...{ gasLimit: 90_000n, maxFeePerGas: 30n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n },
  } as const;
  const sign = (timeoutMs = 5_000) =>
    remoteSigner({ url, address: wallet.address, timeoutMs, token }).signTransaction(wanted);
  const refusal = async (answer: (params: Params) => Promise<Reply>, timeoutMs?: number) => {
    reply = answer;
    const error = (await sign(timeoutMs).catch((thrown: Error) => thrown)) as Error & { code: string };
    expect(error, "nothing may come of it").to.be.instanceOf(Error);
    expect(`${error.message} ${String(error.cause)}`).to.not.contain(token);
    return `${error.code}: ${error.message}`;
  };

  it("signs what it is asked to, in the forms of web3signer and of clef, under its token", async () => {
    reply = async (params) => ({ body: { result: await signed(params) } });
    const raw = await sign();
    expect(Transaction.from(raw)).to.include({ nonce: 7, data: "0x12345678ff", from: wallet.address });
    reply = async (params) => ({
      body: { result: { raw: (await signed(params)).toUpperCase().replace("0X", "0x"), tx: {} } },
    });
    expect(await sign()).to.equal(raw);
    expect(asked[0]).to.include({ authorization: `Bearer ${token}`, method: "eth_signTransaction" });
    expect(asked[0]!.params[0]).to.include({ from: wallet.address, nonce: "0x7", gas: "0x15f90", chainId: "0x7a69" });
  });

  const lies: [string, TransactionLike][] = [
    ["chainId", { chainId: 1 }],
    ["nonce", { nonce: 8 }],
    ["to", { to: stranger.address }],
    ["to", { to: null }],
    ["data", { data: "0x12345678fe" }],
    ["value", { value: 1n }],
    ["gas", { gasLimit: 90_001n }],
    ["maxFeePerGas", { maxFeePerGas: 31n * 10n ** 9n }],
    ["maxPriorityFeePerGas", { maxPriorityFeePerGas: 2n * 10n ** 9n }],
    ["accessList", { accessList: [{ address: stranger.address, storageKeys: [] }] }],
  ];
  for (const [field, over] of lies)
    it(`is not believed with another ${field} than was asked for: ${JSON.stringify(over, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v))} [R1]`, async () => {
      expect(await refusal(async (params) => ({ body: { result: await signed(params, over) } }))).to.match(
        new RegExp(`^signer_wrong: .*another ${field} \\(`),
      );
    });

  it("is not believed with another key's signature, another kind of transaction, none, or bytes that are none [R1]", async () => {
    expect(await refusal(async (params) => ({ body: { result: await signed(params, {}, stranger) } }))).to.match(
      /signer_wrong: .*another from/,
    );
    const legacy = { type: 0, gasPrice: 10n ** 9n, maxFeePerGas: null, maxPriorityFeePerGas: null };
    expect(await refusal(async (params) => ({ body: { result: await signed(params, legacy) } }))).to.match(
      /signer_wrong: .*type 2/,
    );
    const unsigned = async (params: Params) => Transaction.from(await signed(params)).unsignedSerialized;
    expect(await refusal(async (params) => ({ body: { result: await unsigned(params) } }))).to.match(/^signer_wrong/);
    expect(await refusal(async (params) => ({ body: { result: `${await signed(params)}00` } }))).to.match(
      /^signer_wrong/,
    );
    for (const result of ["0x", "0x02", "hello", 7, null, {}, { raw: 7 }, []])
      expect(await refusal(async () => ({ body: { result } })), JSON.stringify(result)).to.match(/^signer_wrong/);
  });

  it("that refuses, fails, hangs, breaks off, or sends elsewhere is told as that, without its token [R1]", async () => {
    expect(await refusal(async () => ({ body: { error: { code: -32000, message: "not approved" } } }))).to.match(
      /^signer_refused: .*not approved/,
    );
    expect(await refusal(async () => ({ status: 401, body: "{}" }))).to.match(/^signer_refused: .*401/);
    expect(await refusal(async () => ({ status: 502, body: "<html>" }))).to.match(/^signer_refused: .*no JSON/);
    expect(await refusal(async () => ({ body: "null" }))).to.match(/^signer_wrong/);
    expect(await refusal(async () => "hang", 200)).to.match(/^signer_unreachable/);
    expect(await refusal(async () => "drop")).to.match(/^signer_unreachable/);
    expect(await refusal(async () => ({ body: "x".repeat(1_100_000) }))).to.match(/^signer_wrong: .*bytes/);
    const before = asked.length;
    expect(await refusal(async () => ({ status: 307, body: "", location: `${url}/elsewhere` }))).to.match(
      /^signer_unreachable/,
    );
    expect(asked.length - before, "its token goes nowhere else").to.equal(1);
  });
});
