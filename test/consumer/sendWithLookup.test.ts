// SPDX-License-Identifier: MIT
import { expect } from "chai";
import { Contract, hexlify, isError, JsonRpcProvider, parseEther, randomBytes, Wallet } from "ethers";
import {
  LookupError,
  type LookupErrorCode,
  type LookupOptions,
  prepareWithLookup,
  sendWithLookup,
} from "../../relayer/consumer/index.ts";
import { isPublicAddress } from "../../relayer/consumer/public-address.ts";
import { decodeQuery } from "../../relayer/lookup/messages.ts";
import { RiskScores__factory, type RiskScores } from "../../typechain/index.ts";
import { openHttpDoor } from "../support/http-door.ts";
import { type Gateway, redirect, respond, startGateway } from "./gatewayServer.ts";
import { answer, deployScores, extra, FEATURES, outputs, unsettled } from "./lookupSupport.ts";
import { type Consumer, deployConsumer, word } from "./support.ts";

describe("looking up over HTTP", () => {
  let c: Consumer;
  let door: Awaited<ReturnType<typeof openHttpDoor>>;
  let provider: JsonRpcProvider;
  let signer: Wallet;
  let gateway: Gateway;
  let inside: Gateway;
  let clean: { restore(): Promise<void> };

  before(async () => {
    c = await deployConsumer();
    door = await openHttpDoor(c.connection.provider);
    signer = new Wallet(Wallet.createRandom().privateKey);
    await c.networkHelpers.setBalance(signer.address, parseEther("100"));
    clean = await c.networkHelpers.takeSnapshot();
  });
  beforeEach(async () => {
    // One that remembers nothing: tests take the chain back.
    provider = new JsonRpcProvider(door.url, 31337, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
    provider.pollingInterval = 50;
    signer = signer.connect(provider);
    gateway = await startGateway();
    inside = await startGateway();
    inside.on("secret", (_, response) => respond(response, 200, { data: "0x5ec7e7" }));
  });
  afterEach(async () => {
    await gateway.close();
    await inside.close();
    provider.destroy();
    await clean.restore();
  });
  after(() => door.close());

  const withGateways = async (...urls: string[]): Promise<RiskScores> =>
    RiskScores__factory.connect(await (await deployScores(c, urls)).getAddress(), signer);
  const says = (name: string, data: string) => gateway.on(name, (_, response) => respond(response, 200, { data }));
  const send = (scores: RiskScores, over: LookupOptions = {}) =>
    sendWithLookup(signer, scores, "record", [word(FEATURES)], { allowedHosts: [gateway.host], ...over });
  async function fails(sending: () => Promise<unknown>, code: LookupErrorCode): Promise<LookupError> {
    const nonce = await provider.getTransactionCount(signer.address);
    const error = await sending().then(
      () => undefined,
      (problem: unknown) => problem,
    );
    if (!(error instanceof LookupError)) throw new Error(`No LookupError: ${String(error)}`);
    expect(error.code, error.message).to.equal(code);
    expect(await provider.getTransactionCount(signer.address), "something was sent").to.equal(nonce);
    return error;
  }

  const reverts = (call: Promise<unknown>): Promise<boolean> =>
    call.then(
      () => false,
      (error: unknown) => isError(error, "CALL_EXCEPTION"),
    );

  describe("reads through stock ethers with enableCcipRead", () => {
    it("give what a settled receipt says, by GET and by POST [R3]", async () => {
      const { opening } = await c.settleProved(FEATURES, [42n]);
      says("get", answer(opening, outputs(42n)));
      says("post", answer(opening, outputs(42n)));
      for (const url of [gateway.url("get"), gateway.postUrl("post")]) {
        const scores = await withGateways(url);
        expect(await scores.scoreOf(word(FEATURES), { enableCcipRead: true })).to.equal(42n);
        const { sender, data } = gateway.asked.at(-1)!;
        expect(sender).to.equal((await scores.getAddress()).toLowerCase());
        expect(decodeQuery(data).policy.inputHash).to.equal(word(FEATURES));
      }
      expect(gateway.asked.map(({ method }) => method)).to.deep.equal(["GET", "POST"]);
    });

    it("revert for an answer to another question, and for one that is not settled [R11]", async () => {
      const { opening } = await c.settleProved(0x99n, [42n]);
      says("other", answer(opening, outputs(42n)));
      says("open", (await unsettled(c, FEATURES, [42n])).response);
      for (const name of ["other", "open"]) {
        const scores = await withGateways(gateway.url(name));
        expect(await reverts(scores.scoreOf(word(FEATURES), { enableCcipRead: true }))).to.equal(true);
      }
    });

    it("refuse a look-up that another contract passed on", async () => {
      const scores = await withGateways(gateway.url("get"));
      const forwarder = await (await c.ethers.deployContract("LookupForwarder")).getAddress();
      const face = ["function forward(address to, bytes data) view returns (bytes)"];
      const data = scores.interface.encodeFunctionData("scoreOf", [word(FEATURES)]);
      const call = new Contract(forwarder, face, signer).getFunction("forward")(await scores.getAddress(), data, {
        enableCcipRead: true,
      });
      expect(await reverts(call)).to.equal(true);
      expect(gateway.asked).to.deep.equal([]);
    });
  });

  describe("sendWithLookup", () => {
    it("settles, opens and acts in one transaction [R1] [R9]", async () => {
      const { response, id: receiptId } = await unsettled(c, FEATURES, [42n]);
      says("honest", response);
      const scores = await withGateways(gateway.url("honest"));
      const before = await provider.getTransactionCount(signer.address);
      const sent = await send(scores);
      const mined = await sent.wait();
      expect(await provider.getTransactionCount(signer.address)).to.equal(before + 1);
      expect(sent.result[0]).to.equal(42n);
      expect(mined.to).to.equal(await scores.getAddress());
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
      expect(await c.registry.settledAt(receiptId)).to.be.greaterThan(0n);
      const { sender, data } = gateway.asked[0]!;
      expect(sender).to.equal((await scores.getAddress()).toLowerCase());
      expect(decodeQuery(data).policy.modelIds).to.deep.equal([c.provedModel]);
    });

    it("prepares without sending, for whoever shows it first", async () => {
      says("honest", (await unsettled(c, FEATURES, [42n])).response);
      const scores = await withGateways(gateway.postUrl("honest"));
      const options = { allowedHosts: [gateway.host] };
      const prepared = await prepareWithLookup(signer, scores, "record", [word(FEATURES)], options);
      expect(prepared.result[0]).to.equal(42n);
      expect(prepared.gateway).to.equal(gateway.postUrl("honest"));
      expect(gateway.asked[0]!.method).to.equal("POST");
      expect((await scores.recorded(word(FEATURES))).recordedAt).to.equal(0n);
      await (await signer.sendTransaction(prepared.transaction)).wait();
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
    });

    it("goes on to the next gateway where one is down, errs, or answers what the contract refuses [R2]", async () => {
      gateway.on("down", (_, response) => void response.destroy());
      gateway.on("errs", (_, response) => respond(response, 503, { message: "busy" }));
      gateway.on("nonsense", (_, response) => respond(response, 200, { data: "0xzz" }));
      gateway.on("html", (_, response) => void response.end("<html>"));
      says("wrong", (await unsettled(c, 0x77n, [1n])).response);
      says("garbage", hexlify(randomBytes(900)));
      says("honest", (await unsettled(c, FEATURES, [42n])).response);
      const names = ["down", "errs", "nonsense", "html", "wrong", "garbage", "honest"];
      const scores = await withGateways(...names.map(gateway.url));
      await (await send(scores)).wait();
      expect(gateway.asked.map(({ path }) => path)).to.deep.equal(names);
      expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
    });

    it("stops at a gateway that says there is no answer", async () => {
      gateway.on("none", (_, response) => respond(response, 404, { message: "no such answer" }));
      says("honest", (await unsettled(c, FEATURES, [42n])).response);
      const scores = await withGateways(gateway.url("none"), gateway.url("honest"));
      const error = await fails(() => send(scores), "gateway_refused");
      expect(error.attempts[0]!.reason).to.equal("status 404, no such answer");
      expect(gateway.asked).to.have.length(1);
    });

    it("sends nothing for an answer that the contract refuses, and says why [R11]", async () => {
      says("wrong", (await unsettled(c, 0x77n, [1n])).response);
      const scores = await withGateways(gateway.url("wrong"));
      const error = await fails(() => send(scores), "answer_refused");
      expect(error.revert!.name).to.equal("InferenceConsumer_WrongInput");
      expect(error.revert!.args).to.deep.equal([word(FEATURES), word(0x77n)]);
    });

    it("sends nothing for an answer that was used before [R9]", async () => {
      const { response } = await unsettled(c, FEATURES, [42n]);
      says("replay", response);
      const scores = await withGateways(gateway.url("replay"));
      await (await send(scores)).wait();
      await fails(() => send(scores), "already_used");
    });

    it("tells whoever was overtaken that it is done, and not that it failed [R9]", async () => {
      const { response } = await unsettled(c, FEATURES, [42n]);
      says("honest", response);
      const scores = await withGateways(gateway.url("honest"));
      await c.connection.provider.request({ method: "evm_setAutomine", params: [false] });
      try {
        const sent = await send(scores);
        const thief = scores.connect(c.signers.operator) as RiskScores;
        const first = await thief.recordAnswer(response, extra(FEATURES), {
          gasLimit: 2_000_000n,
          maxPriorityFeePerGas: 10n ** 11n,
          maxFeePerGas: 10n ** 12n,
        });
        await c.connection.provider.request({ method: "hardhat_mine", params: ["0x1"] });
        expect((await first.wait())!.status).to.equal(1);
        const error = await sent.wait().then(
          () => undefined,
          (problem: LookupError) => problem,
        );
        expect(error?.code).to.equal("already_used");
        expect((await scores.recorded(word(FEATURES))).value).to.equal(42n);
      } finally {
        await c.connection.provider.request({ method: "evm_setAutomine", params: [true] });
      }
    });

    it("refuses a look-up that another contract passed on, and asks nobody", async () => {
      const scores = await withGateways(gateway.url("honest"));
      const forwarder = await (await c.ethers.deployContract("LookupForwarder")).getAddress();
      const face = ["function forward(address to, bytes data) view returns (bytes)"];
      const data = scores.interface.encodeFunctionData("record", [word(FEATURES)]);
      const contract = new Contract(forwarder, face, signer);
      const passed = [await scores.getAddress(), data];
      const sending = () =>
        sendWithLookup(signer, contract, "forward", passed, {
          allowedHosts: [gateway.host],
        });
      await fails(sending, "wrong_sender");
      expect(gateway.asked).to.deep.equal([]);
    });

    it("follows no look-up out of a callback", async () => {
      says("any", "0x1234");
      const args = [await c.registry.getAddress(), [gateway.url("any")], c.signedModel];
      const asking = await (await c.ethers.deployContract("PaidAnswers", args)).getAddress();
      const contract = new Contract(asking, ["function askTwice(bytes32 inputHash) view"], signer);
      const options = { allowedHosts: [gateway.host] };
      await fails(() => sendWithLookup(signer, contract, "askTwice", [word(1n)], options), "nested_lookup");
      expect(gateway.asked).to.have.length(1);
    });

    it("says what is wrong with a method that asks for nothing", async () => {
      const scores = await withGateways(gateway.url("any"));
      await fails(() => sendWithLookup(signer, scores, "maxAge", []), "not_a_lookup");
      await fails(() => sendWithLookup(signer, scores, "nothing", []), "unknown_method");
      const broken = () => sendWithLookup(signer, scores, "recordAnswer", ["0x", extra(FEATURES)]);
      const { revert } = await fails(broken, "call_failed");
      expect(revert!.name).to.equal("LookupConsumer_MalformedAnswer");
    });
  });

  describe("reaches", () => {
    const refusedUrl = async (url: string, reason: RegExp, over: LookupOptions = {}) => {
      const scores = await withGateways(url);
      const error = await fails(() => send(scores, over), "no_gateway");
      expect(error.attempts).to.have.length(1);
      expect(error.attempts[0]!.reason).to.match(reason);
    };

    it("no host without TLS, and no address inside a network, unless it was allowed [R8]", async () => {
      const { port } = new URL(`http://${inside.host}`);
      const places: [string, RegExp][] = [
        [`http://${inside.host}/secret`, /not https/],
        [`http://localhost:${port}/secret`, /not https/],
        [`https://${inside.host}/secret`, /not public/],
        [`https://localhost:${port}/secret`, /not public/],
        [`https://[::1]:${port}/secret`, /not public/],
        [`https://[::ffff:127.0.0.1]:${port}/secret`, /not public/],
        ["https://169.254.169.254/latest/meta-data", /not public/],
        ["https://0x7f000001/secret", /not public/],
        ["https://user:secret@gateway.example/", /credentials/],
        ["file:///etc/passwd", /neither/],
        ["no url", /no URL/],
      ];
      for (const [url, reason] of places) await refusedUrl(url, reason);
      expect(inside.asked).to.deep.equal([]);
    });

    it("no such address by way of a redirect either, and follows few of them", async () => {
      const { port } = new URL(`http://${inside.host}`);
      const targets = [
        `http://${inside.host}/secret`,
        `https://127.0.0.1:${port}/secret`,
        `https://localhost:${port}/secret`,
        "https://10.0.0.1/",
      ];
      for (const target of targets) {
        gateway.on("away", (_, response) => redirect(response, target));
        await refusedUrl(gateway.url("away"), /not https|not public/);
      }
      expect(inside.asked).to.deep.equal([]);
      gateway.on("circle", (_, response) => redirect(response, "/circle"));
      await refusedUrl(gateway.url("circle"), /redirects more than 2 times/);
      gateway.on("posted", (_, response) => redirect(response, "/circle"));
      await refusedUrl(gateway.postUrl("posted"), /redirects a POST/);
    });

    it("an honest gateway that moved", async () => {
      const { response } = await unsettled(c, FEATURES, [42n]);
      gateway.on("moved", (asked, answering) => redirect(answering, `/here/${asked.sender}/${asked.data}`));
      says("here", response);
      expect((await send(await withGateways(gateway.url("moved")))).result[0]).to.equal(42n);
    });

    it("the next gateway after one that switches protocols [R8]", async () => {
      const { response } = await unsettled(c, FEATURES, [42n]);
      gateway.on("switches", (_, answering) => {
        answering.socket!.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
      });
      says("honest", response);
      const scores = await withGateways(gateway.url("switches"), gateway.url("honest"));
      expect((await send(scores, { timeoutMs: 1_000 })).gateway).to.match(/honest/);
    });

    it("its end with a gateway that is slow, drips, or never stops [R8]", async () => {
      const quick = { timeoutMs: 300, maxBytes: 10_000 };
      gateway.on("slow", () => undefined);
      gateway.on("drips", (_, response) => {
        const dripping = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(dripping));
      });
      gateway.on("large", (_, response) => respond(response, 200, { data: `0x${"00".repeat(10_000)}` }));
      let poured = 0;
      gateway.on("endless", (_, response) => {
        const pour = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384)) && ++poured < 10_000);
        };
        response.on("drain", pour);
        pour();
      });
      const started = Date.now();
      await refusedUrl(gateway.url("slow"), /no answer in time/, quick);
      await refusedUrl(gateway.url("drips"), /no answer in time/, quick);
      await refusedUrl(gateway.url("large"), /more than 10000 bytes/, quick);
      await refusedUrl(gateway.url("endless"), /more than 10000 bytes/, quick);
      expect(Date.now() - started).to.be.lessThan(20_000);
      expect(poured).to.be.lessThan(10_000);
    });
  });

  it("tells addresses of the public internet from all others", () => {
    for (const address of ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "2a00::1"])
      expect(isPublicAddress(address), address).to.equal(true);
    const inner = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254"];
    const more = ["0.0.0.0", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"];
    const six = [
      "::",
      "::1",
      "::ffff:8.8.8.8",
      "fe80::1",
      "fd00::1",
      "64:ff9b::a00:1",
      "2002:7f00:1::",
      "2001:db8::1",
      "ff02::1",
    ];
    for (const address of [...inner, ...more, ...six, "localhost", ""])
      expect(isPublicAddress(address), address).to.equal(false);
  });
});
