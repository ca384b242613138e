// What seldom happens: a pause, lineage, a session's end, money set aside, a twin that changes hands, what a call leaves out.
import { hexlify, id, randomBytes, ZeroAddress, ZeroHash } from "ethers";
import { type Chain, mined } from "../../demo/chain.ts";
import { startEnclave } from "../../demo/development-enclave.ts";
import { passVote } from "../../demo/economy.ts";
import { registerEnclave } from "../../relayer/attestation/enclave.ts";
import { claimOf, type Collectable, encodeCollectBatch } from "../../relayer/channels/collect.ts";
import { encodeSettlement } from "../../relayer/chain/settlement.ts";
import {
  channelId,
  channelRequestId,
  type Channel,
  type Hex,
  type Receipt,
  receiptId,
  voucherDigest,
} from "../../relayer/protocol/index.ts";
import { GatewayAnswers__factory, InferenceRequests__factory, TwinMarket__factory } from "../../typechain/index.ts";
import { answerMessage, newRsaKey, pssSignature } from "../support/rsa.ts";
import { type Activity, TWIN } from "./activity.ts";

const lower = (value: string): Hex => value.toLowerCase() as Hex;
const random = (): Hex => hexlify(randomBytes(32)) as Hex;
const FEE = 10n ** 15n;

export async function rarities(chain: Chain, activity: Activity): Promise<void> {
  const [operator, guardian] = [chain.as("operator"), chain.as("guardian")];
  await mined(chain.registry.connect(guardian).pause());
  await mined(chain.registry.connect(guardian).resume());
  await descendants(chain, activity);
  await collections(chain, activity);
  await sessionsAndReservations(chain, activity);
  await newOwner(chain);
  const requests = InferenceRequests__factory.connect(chain.addresses.inferenceRequests, operator);
  await mined(requests.setAgent(chain.as("cheat").address, true));
  await mined(requests.setAgent(chain.as("cheat").address, false));
  await gatewayAnswers(chain, activity);
}

/** A gateway's RSA key attested, its image approved by a vote, an answer of it settled, and one that no key goes with. */
async function gatewayAnswers(chain: Chain, { nodeId }: Activity): Promise<void> {
  const operator = chain.as("operator");
  const gateways = GatewayAnswers__factory.connect(chain.addresses.gatewayAnswers, operator);
  const rsa = newRsaKey();
  const enclave = startEnclave("a gateway's image", rsa.der);
  let sent = {};
  await registerEnclave({
    ...{ registry: chain.addresses.enclaveRegistry, operator, nodeId, keyId: rsa.keyId, attest: enclave.attest },
    lifeSeconds: 86_400,
    journal: { read: async () => sent, write: async (entries) => void (sent = entries) },
  });
  const approval: [string, string] = [enclave.measurement, await gateways.APPROVAL()];
  const call = chain.enclaves.interface.encodeFunctionData("approveMeasurement", approval);
  await passVote(chain, chain.addresses.enclaveRegistry, call, "answers of the gateway's image");
  const { timestamp } = (await chain.provider.getBlock("latest"))!;
  const answer = { requestHash: random(), outputHash: random(), timestamp: BigInt(timestamp) };
  const signature = pssSignature(rsa, answerMessage(answer.requestHash, answer.outputHash, answer.timestamp));
  const items = [0n, 1n].map((key) => ({ answer, key, signature }));
  await mined(gateways.settleAnswers([rsa.der], items));
}

/** A version with a source, one that derives from it, and one from that. */
async function descendants(chain: Chain, { modelId }: Activity): Promise<void> {
  const operator = chain.as("operator");
  const source = { contentHash: random(), uri: "ipfs://corpus", terms: "CC0" };
  await mined(chain.models.registerSource(source));
  const sourceId = await chain.models.sourceIdOf(operator.address, source);
  let parent: string = modelId;
  for (const [uri, sources] of [
    ["ipfs://child", [{ sourceId, required: true }]],
    ["ipfs://grandchild", []],
  ] as const) {
    const lineage = {
      royalty: 100,
      parents: [{ modelId: parent, bps: 500 }],
      contributors: [{ account: chain.as("delegator").address, bps: 250 }],
    };
    const version = {
      ...{ contentHash: id(uri), uri, modes: 1, verifier: ZeroAddress, verifyingKey: "0x", signals: "" },
      ...{ lineage, licence: "Apache-2.0", sources: [...sources] },
    };
    await mined(chain.models.register(version));
    parent = await chain.models.modelIdOf(operator.address, version);
  }
}

/** A voucher collected and its fees moved on, and one over a receipt that never settled. */
async function collections(chain: Chain, { domain, nodeId, modelId, key }: Activity): Promise<void> {
  const payer = chain.as("borrower");
  const escrow = { chainId: domain.chainId, verifyingContract: lower(chain.addresses.escrow) };
  const who = lower(payer.address);
  const channel: Channel = { payer: who, signer: who, nodeId, modelId, modeMask: 1, lane: 7n };
  const inChannel = channelId({ ...channel, chainId: escrow.chainId, escrow: escrow.verifyingContract });
  const { timestamp } = (await chain.provider.getBlock("latest"))!;
  const claims = [1n, 2n].map((sequence): Collectable => {
    const [inputHash, maxCumulative, requestId] = [random(), sequence * FEE, channelRequestId(inChannel, sequence)];
    const digest = voucherDigest(escrow, { channelId: inChannel, sequence, inputHash, maxCumulative });
    const signature = payer.signingKey.sign(digest).serialized as Hex;
    const receipt: Receipt = {
      ...{ requestId, modelId, inputHash, outputHash: random(), outputScheme: 0, contextHash: ZeroHash as Hex },
      ...{ keyId: key.keyId, payer: who, sequence, cumulativeFee: sequence * FEE },
      ...{ completedAt: BigInt(timestamp), mode: 0 },
    };
    const batch = { keyId: key.keyId, mode: 0, root: ZeroHash as Hex, count: 0, dataHash: ZeroHash as Hex };
    return {
      ...{ requestId, channelId: inChannel, receipt, batch: { ...batch, settler: lower(ZeroAddress) }, index: 0 },
      ...{
        request: { channel, sequence, inputHash, contextHash: ZeroHash as Hex, maxCumulative, signature },
        proof: [],
      },
    };
  });
  const [good, unsettled] = claims as [Collectable, Collectable];
  const { receipt } = good;
  const signature = await key.sign(receiptId(domain, receipt));
  const data = encodeSettlement([{ kind: "receipt", receipt, signature, evidence: "0x" }]);
  const relayer = chain.as("relayer");
  await (await relayer.sendTransaction({ to: domain.verifyingContract, data })).wait();
  await mined(chain.escrow.collect(good.batch, nodeId, modelId, claimOf(good), []));
  await mined(chain.escrow.release([channel]));
  const call = encodeCollectBatch([{ batch: unsettled.batch, nodeId, modelId, items: [unsettled] }]);
  await (await relayer.sendTransaction({ to: escrow.verifyingContract, data: call })).wait();
}

async function sessionsAndReservations(chain: Chain, { nodeId, modelId }: Activity): Promise<void> {
  const [payer, signer] = [chain.as("borrower").address, chain.as("cheat").address];
  const { timestamp } = (await chain.provider.getBlock("latest"))!;
  const session = { payer, signer, nodeId, modelId, modeMask: 1, lane: 0n };
  await mined(chain.escrow.openChannel(session, 5n * FEE, timestamp + 86_400));
  await mined(chain.escrow.openChannel({ ...session, lane: 1n }, 5n * FEE, timestamp + 30 * 86_400));
  await mined(chain.escrow.withdrawSigner({ ...session, lane: 1n }));
  const terms = { payer, amount: FEE, nodeId, modelId, inputHash: random(), modeMask: 1, expiry: timestamp + 3_600 };
  await mined(chain.escrow.reserve(1n, terms));
}

/** A twin goes to somebody else while fees wait in it: they stay its former owner's. */
async function newOwner(chain: Chain): Promise<void> {
  const [owner, buyer] = [chain.as("borrower"), chain.as("delegator")];
  const twins = TwinMarket__factory.connect(chain.addresses.twinMarket, owner);
  const { total } = await twins.quoteBuy(TWIN, 3n);
  await mined(twins["buyShares(bytes16,uint256)"](TWIN, 3n, { value: total * 2n }));
  await mined(twins.cancelConsents(TWIN));
  const deadline = 2n ** 60n;
  const consent = await twins.consentDigest(TWIN, buyer.address, deadline);
  const { serialized } = owner.signingKey.sign(consent);
  await mined(twins.connect(buyer)["claimOwnership(bytes16,uint256,bytes)"](TWIN, deadline, serialized));
}
