import { id, Wallet } from "ethers";
import { NodeMatch__factory } from "../../typechain/index.ts";
import { Mode } from "../support/protocol.ts";
import { CONSENT_NOTICE, dataOf } from "../support/sources.ts";
import { deployWorld, MEASUREMENT, SECONDS, type World } from "../support/world.ts";

export const OTHER_IMAGE = id("image 2");
const wallet = (name: string) => new Wallet(id(`routing ${name}`));

/**
 * A world of five nodes of two operators that offer four versions, with requests open on chain. The last version requires
 * two sources, of which one's consent is withdrawn a quarter of an hour from now.
 */
export async function deployNodes() {
  const w = await deployWorld();
  const data = dataOf(w);
  const sources = [await data.registerSource(), await data.registerSource()];
  const restricted = await data.registerVersion({ sources: data.required(...sources) });
  await w.govern(w.enclaves, w.enclaves.interface.encodeFunctionData("approveMeasurement", [MEASUREMENT, restricted]));
  await data.withdraw(sources[0]!);
  await w.networkHelpers.time.increase(CONSENT_NOTICE - 900n);
  const { operator, other } = w.signers;
  const load = await w.ethers.deployContract("OpenRequests");
  const match = NodeMatch__factory.connect(
    await (
      await w.ethers.deployContract("NodeMatch", [
        await w.nodes.getAddress(),
        await w.enclaves.getAddress(),
        await w.models.getAddress(),
        await load.getAddress(),
      ])
    ).getAddress(),
    other,
  );
  const nodes = [{ nodeId: w.nodeId, by: operator }];
  for (const by of [operator, operator, other, other]) nodes.push({ nodeId: await w.registerNode(by), by });
  const operatorKeys = [w.keyId];
  const enclaveKeys = [w.enclaveKeyId];
  for (const [i, { nodeId, by }] of nodes.entries()) {
    // The third node has no keys at all, the fifth none of an enclave.
    if (i === 2) continue;
    const life = BigInt(i + 2) * SECONDS.day;
    operatorKeys.push(await w.addOperatorKey(nodeId, wallet(`operator ${i}`), by, life));
    if (i === 4) continue;
    const attestation = await w.attest(nodeId, wallet(`enclave ${i}`), i === 1 ? OTHER_IMAGE : MEASUREMENT);
    const until = (await w.now()) + life;
    const admitted = await (await w.enclaves.connect(by).admit(nodeId, attestation, until)).wait();
    enclaveKeys.push(w.enclaves.interface.parseLog(admitted!.logs[0]!)!.args[0] as string);
  }
  const models = [w.modelId, w.vanillaModelId, id("no version"), restricted];
  const offers = [7, 7, 7, 5, 3];
  for (const [i, { nodeId, by }] of nodes.entries())
    for (const modelId of models) await w.nodes.connect(by).setOffer(nodeId, modelId, offers[i]!, i + 1);
  /** As many on-chain requests are open. */
  const setOpen = (nodeId: string, modelId: string, many: number) =>
    load.connect(other).getFunction("set")(nodeId, modelId, many);
  return { ...w, setOpen, match, fleet: nodes, operatorKeys, enclaveKeys, versions: models, sources };
}
export type Nodes = Awaited<ReturnType<typeof deployNodes>>;

/** One thing that may happen. The numbers choose what to. */
export interface Step {
  kind: keyof typeof happenings;
  a: number;
  b: number;
}

const pick = <T>(from: readonly T[], by: number): T => from[by % from.length]!;
const images = [MEASUREMENT, OTHER_IMAGE];
const approvalOf = (w: Nodes, a: number): [string, string] => [pick(images, a), pick(w.versions, a >> 1)];
/** Versions that exist. */
const registered = (w: Nodes) => w.versions.filter((_, i) => i !== 2);
const verifierOf = (w: Nodes) => "0x" + "00".repeat(12) + w.version.verifier.slice(2);

/** Everything that decides who can serve. Each may be refused: a key is frozen once, a retired node stays so. */
export const happenings = {
  offer: (w: Nodes, a: number, b: number) => {
    const { nodeId, by } = pick(w.fleet, a);
    const modes = b % 8;
    return w.nodes.connect(by).setOffer(nodeId, pick(w.versions, a >> 3), modes, modes === 0 ? 0 : 1 + (b >> 3));
  },
  status: (w: Nodes, a: number, b: number) => {
    const { nodeId, by } = pick(w.fleet, a);
    return w.nodes.connect(by).updateNode(nodeId, b % 6 === 0 ? 3 : 1 + (b % 2), "http://127.0.0.1:9000");
  },
  open: (w: Nodes, a: number, b: number) => w.setOpen(pick(w.fleet, a).nodeId, pick(w.versions, a >> 3), b % 5),
  stake: (w: Nodes, a: number) => w.staking.connect(a % 2 === 0 ? w.signers.operator : w.signers.other).unbond(0, 1n),
  retireKey: async (w: Nodes, a: number, b: number) =>
    w.nodes.retireKey(pick(w.operatorKeys, a), (await w.now()) + 10n + BigInt(b)),
  retireEnclaveKey: async (w: Nodes, a: number, b: number) =>
    w.enclaves.retireKey(pick(w.enclaveKeys, a), (await w.now()) + 10n + BigInt(b)),
  distrustKey: (w: Nodes, a: number) => w.nodes.distrustOwnKey(pick(w.operatorKeys, a)),
  distrustEnclaveKey: (w: Nodes, a: number) => w.enclaves.distrustOwnKey(pick(w.enclaveKeys, a)),
  freezeKey: (w: Nodes, a: number) => w.freeze(w.nodes, pick(w.operatorKeys, a)),
  freezeEnclaveKey: (w: Nodes, a: number) => w.freeze(w.enclaves, pick(w.enclaveKeys, a)),
  approve: (w: Nodes, a: number) =>
    w.govern(w.enclaves, w.enclaves.interface.encodeFunctionData("approveMeasurement", approvalOf(w, a))),
  withdraw: (w: Nodes, a: number) =>
    w.govern(w.enclaves, w.enclaves.interface.encodeFunctionData("withdrawMeasurement", approvalOf(w, a))),
  distrustImage: async (w: Nodes, a: number) =>
    w.distrust(w.enclaves, await w.enclaves.measurementTarget(pick(images, a)), await w.now()),
  freezeImage: async (w: Nodes, a: number) => w.freeze(w.enclaves, await w.enclaves.measurementTarget(pick(images, a))),
  distrustModel: async (w: Nodes, a: number) => w.distrust(w.models, pick(registered(w), a), await w.now()),
  freezeModel: (w: Nodes, a: number) => w.freeze(w.models, pick(registered(w), a)),
  distrustVerifier: async (w: Nodes) => w.distrust(w.models, verifierOf(w), await w.now()),
  freezeVerifier: (w: Nodes) => w.freeze(w.models, verifierOf(w)),
  withdrawConsent: (w: Nodes, a: number) => w.models.connect(w.signers.other).withdrawConsent(pick(w.sources, a)),
  cancelWithdrawal: (w: Nodes, a: number) => w.models.connect(w.signers.other).cancelWithdrawal(pick(w.sources, a)),
  wait: (w: Nodes, a: number) => w.networkHelpers.time.increase((1 + a) * (a % 5 === 0 ? 20_000 : 30)),
};

export const numberOf = (nodeId: string) => Number(BigInt(nodeId));
export const MODES = [Mode.VANILLA, Mode.ZKML, Mode.TEE];
export type { World };
