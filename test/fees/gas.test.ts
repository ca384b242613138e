import { expect } from "chai";
import { toBeHex, ZeroAddress } from "ethers";
import { NO_DATA } from "../support/protocol.ts";
import { addressOf, OPG, useFees, type Fees } from "./support.ts";

const FEE = 10n * OPG;
/** The most gas that Ethereum allows one transaction (EIP-7825). */
const ONE_TRANSACTION = 16_777_216n;

describe("Gas of the fee path", () => {
  const fees = useFees();
  const gasOf = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>) =>
    (await (await sent).wait())!.gasUsed;
  const accounts = (from: number, count: number) => Array.from({ length: count }, (_, i) => addressOf(from + i));

  /** A version three deep with four parents and sixteen contributors, as dear as any can be. */
  async function deepest(f: Fees) {
    const wide = async (parents: string[], from: number) =>
      f.derived({
        royalty: 500,
        parents: parents.map((modelId) => ({ modelId, bps: 500 })),
        contributors: accounts(from, 16).map((account) => ({ account, bps: 400 })),
      });
    const roots = [];
    for (let i = 0; i < 4; i++) roots.push(await f.derived({ royalty: 500 }));
    const first = await wide(roots, 0);
    const second = await wide([first, ...roots.slice(1)], 20);
    return wide([second, ...roots.slice(1)], 40);
  }

  it("a fee costs the same whatever the lineage of its version, and whatever came before", async () => {
    const f = fees();
    const deep = await deepest(f);
    const costs: Record<string, bigint> = { first: await gasOf(f.pay(FEE)), again: await gasOf(f.pay(FEE)) };
    await f.pay(FEE, { modelId: deep });
    costs["deep"] = await gasOf(f.pay(FEE, { modelId: deep }));
    costs["no settler"] = await gasOf(f.pay(FEE, { settler: ZeroAddress }));
    expect(costs["first"]! < 275_000n && costs["again"]! < 145_000n, String(Object.entries(costs))).to.equal(true);
    expect(costs["deep"]! - costs["again"]! < 100n).to.equal(true);
    expect(costs["no settler"]! < costs["again"]!).to.equal(true);
  });

  it("distribution is bounded by 4 parents, 16 contributors and the owner, however deep the version is [R8]", async () => {
    const f = fees();
    const deep = await deepest(f);
    const shallow = await f.derived({});
    for (const modelId of [deep, shallow]) await f.pay(FEE, { modelId });
    const costs = { deep: await gasOf(f.splitter.distributeModel(deep)), again: 0n, shallow: 0n };
    costs.shallow = await gasOf(f.splitter.distributeModel(shallow));
    await f.pay(FEE, { modelId: deep });
    costs.again = await gasOf(f.splitter.distributeModel(deep));
    const said = String(Object.entries(costs));
    expect(costs.deep < 630_000n && costs.again < 235_000n && costs.shallow < 60_000n, said).to.equal(true);
  });

  it("declaring the widest lineage is bounded, and none costs next to nothing [R8]", async () => {
    const f = fees();
    const version = { contentHash: toBeHex(1, 32), uri: "", modes: 1, verifier: ZeroAddress, verifyingKey: "0x" };
    const parents = [];
    for (let i = 0; i < 4; i++) parents.push({ modelId: await f.derived({ royalty: 500 }), bps: 500 });
    const register = (lineage: object) =>
      gasOf(f.models.register({ ...version, signals: "", lineage: lineage as never, ...NO_DATA }));
    const contributors = accounts(0, 16).map((account) => ({ account, bps: 400 }));
    const costs = { widest: await register({ royalty: 0, parents, contributors }), none: 0n };
    costs.none = await register({ royalty: 0, parents: [], contributors: [] });
    const said = String(Object.entries(costs));
    expect(costs.widest < 620_000n && costs.none < 120_000n, said).to.equal(true);
  });

  it("64 accounts are paid in one transaction [R8]", async () => {
    const f = fees();
    const all = accounts(100, 64);
    for (let i = 0; i < 64; i += 16) {
      const contributors = all.slice(i, i + 16).map((account) => ({ account, bps: 600 }));
      const modelId = await f.derived({ contributors });
      await f.pay(FEE, { modelId });
      await f.splitter.distributeModel(modelId);
    }
    const one = await gasOf(f.splitter.claim(f.signers.operator));
    const many = await gasOf(f.splitter.claimMany(all));
    expect(await f.token.balanceOf(all[63]!)).to.equal((OPG * 6n) / 100n);
    expect(one < 68_000n && many / 64n < 35_000n && many < ONE_TRANSACTION / 4n, `${one}, ${many}`).to.equal(true);
  });

  it("sweeping an inbox costs little more than paying, after the first time", async () => {
    const f = fees();
    const inbox = await f.inboxes.inboxOf(f.nodeId, f.modelId);
    const sweep = async () => {
      await f.token.transfer(inbox, FEE);
      return gasOf(f.inboxes.sweep(f.nodeId, f.modelId));
    };
    await f.pay(FEE);
    const costs = { first: await sweep(), again: await sweep(), pay: await gasOf(f.pay(FEE)) };
    const said = String(Object.entries(costs));
    expect(costs.first < 220_000n && costs.again < costs.pay + 22_000n, said).to.equal(true);
  });
});
