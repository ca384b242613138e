import { randomBytes } from "node:crypto";
import { hexlify, id, parseEther, type Provider } from "ethers";
import { dataHashOf, type Hex, leavesDocument, type Receipt, x402RequestId } from "../../relayer/protocol/index.ts";
import { readHistory } from "../../tasks/audit/read.ts";
import type { LeafSource } from "../../tasks/audit/leaves.ts";
import { TwinMarket__factory } from "../../typechain/index.ts";
import { escrowAt, FEE, walletOf } from "../escrow/support.ts";
import { statementsOf } from "../staking/disputesSupport.ts";
import { deployRequests } from "../requests/support.ts";
import { Mode, type ReceiptFields } from "../support/protocol.ts";

const PERCENT = 10n ** 16n;
const DAY = 86_400n;
const lower = (value: string) => value.toLowerCase() as Hex;

/** Everything an audit looks at, done once for real: settled in all modes, paid in all ways, slashed, announced, traded. */
export async function activity() {
  const w = await deployRequests();
  const { deployer, other, operator, admin } = w.signers;
  const e = await escrowAt({ ...w, holder: deployer }, await w.escrow.getAddress());
  const domain = { chainId: 31337n, verifyingContract: lower(await w.registry.getAddress()) };
  const published = new Map<Hex, Uint8Array>();

  /** Settles a batch whose leaves are published, as a relayer does. */
  async function settle(receipts: ReceiptFields[]) {
    const dataHash = publish(receipts);
    const item = w.signedBatch(receipts, { dataHash });
    await w.registry.settleBatches([item]);
    return item.batch;
  }
  function publish(receipts: ReceiptFields[]): Hex {
    const plain = receipts.map((each) => ({ ...each, payer: lower(each.payer) }) as Receipt);
    const document = leavesDocument(domain, { keyId: plain[0]!.keyId, mode: plain[0]!.mode }, plain);
    const dataHash = dataHashOf(document);
    published.set(dataHash, document);
    return dataHash;
  }

  // A channel: three answers in a batch with others, collected in two steps, released and forwarded.
  const payer = walletOf("audited payer");
  const channel = e.channel(payer.address);
  await e.fund(payer.address, FEE * 10n);
  const answers = await Promise.all([1n, 2n, 3n].map((sequence) => e.answer(channel, sequence)));
  const others = await Promise.all([0, 1].map(() => w.receiptIn(Mode.VANILLA)));
  const receipts = [...answers, ...others];
  const batch = await settle(receipts);
  for (const index of [0, 2]) {
    const claim = e.claim(channel, answers[index]!, payer, index);
    await w.escrow.collect(batch, w.nodeId, w.modelId, claim, e.proofOf(receipts, index));
  }
  await w.escrow.release([channel]);
  const fees = { nodeId: w.nodeId, modelId: w.modelId, settler: batch.settler };
  const settledAt = await w.registry.settledAt(w.batchDigest(batch));
  await w.escrow.forward(fees.nodeId, fees.modelId, fees.settler, settledAt / (28n * DAY));
  await w.splitter.claim(operator.address);
  await w.splitter.distributeModel(w.modelId);

  // A request on chain, answered by a receipt alone; its fee forwarded.
  const requestId = await w.accepted();
  await w.fulfil(requestId);
  const zero = `0x${"0".repeat(40)}`;
  await w.requests.forward(w.nodeId, w.modelId, zero, (await w.now()) / (28n * DAY));

  // A proved batch, a TEE batch, and a prepaid receipt: a signed transfer under whose id a receipt settled.
  const items = await Promise.all([w.proved({}, "first"), w.proved({}, "second")]);
  const proofs = w.proofBatch(items, { dataHash: publish(items.map(({ receipt }) => receipt)) });
  await w.registry.settleProvedBatches([proofs]);
  await settle([await w.receiptIn(Mode.TEE), await w.receiptIn(Mode.TEE)]);
  const token = lower(await w.token.getAddress());
  const nonce = hexlify(randomBytes(32)) as Hex;
  await w.token.transfer(payer.address, FEE);
  await authorizedTransfer(w, payer, nonce);
  const prepaid = await w.receiptIn(Mode.VANILLA, {
    ...{
      requestId: x402RequestId(31337n, token, lower(payer.address), nonce),
      payer: payer.address,
      cumulativeFee: FEE,
    },
  });
  await settle([prepaid]);

  // A fault and its slash, rates and a minimum announced.
  const first = await w.receiptIn(Mode.VANILLA);
  const { alone } = statementsOf(w);
  await w.disputes.reportEquivocation(alone(first), alone({ ...first, outputHash: id("another answer") }));
  const rates = { node: 7_900, model: 1_000, stakers: 600, treasury: 400, settler: 100 };
  await w.govern(w.splitter, w.splitter.interface.encodeFunctionData("announceRates", [rates]));
  const minimum = (await w.staking.minimum(0)).current;
  await w.govern(w.staking, w.staking.interface.encodeFunctionData("setMinimum", [0, minimum + 1n]));

  // A key market: a fee raised with notice, trades before and after.
  const market = await new TwinMarket__factory(admin).deploy(admin.address, 1_600_000n, 3n * PERCENT, 2n * PERCENT);
  const twin = id("audited twin").slice(0, 34);
  await market.connect(other)["createDigitalTwin(bytes16,string)"](twin, "https://twin", { value: parseEther("1") });
  await market.setProtocolFeePercent(4n * PERCENT);
  await w.networkHelpers.time.increase(48n * 3_600n);
  await market.connect(other)["buyShares(bytes16,uint256)"](twin, 3n, { value: parseEther("5") });
  await market.setSubjectFeePercent(1n * PERCENT);

  const addresses = {
    InferenceRegistry: domain.verifyingContract,
    NodeRegistry: lower(await w.nodes.getAddress()),
    EnclaveRegistry: lower(await w.enclaves.getAddress()),
    ModelRegistry: lower(await w.models.getAddress()),
    OPGToken: token,
    InferenceEscrow: lower(await w.escrow.getAddress()),
    InferenceRequests: lower(await w.requests.getAddress()),
    FeeSplitter: lower(await w.splitter.getAddress()),
    Disputes: lower(await w.disputes.getAddress()),
    OPGStaking: lower(await w.staking.getAddress()),
    OPGVesting: lower(await w.vesting.getAddress()),
    TwinMarket: lower(await market.getAddress()),
  };
  const leaves: LeafSource = async (dataHash) => {
    const document = published.get(dataHash);
    return document === undefined ? { problem: "not published" } : { document };
  };
  const provider = w.ethers.provider as unknown as Provider;
  const read = async (over: Partial<Parameters<typeof readHistory>[0]> = {}) =>
    readHistory({
      ...{ provider, addresses, start: 0, from: 0, to: await w.ethers.provider.getBlockNumber(), leaves, chunk: 1_000 },
      ...over,
    });
  return { ...w, addresses, published, leaves, provider, read, batch, receipts, prepaid };
}

async function authorizedTransfer(
  w: Awaited<ReturnType<typeof deployRequests>>,
  payer: ReturnType<typeof walletOf>,
  nonce: Hex,
): Promise<void> {
  const types = {
    TransferWithAuthorization: [
      { name: "from", type: "address" },
      { name: "to", type: "address" },
      { name: "value", type: "uint256" },
      { name: "validAfter", type: "uint256" },
      { name: "validBefore", type: "uint256" },
      { name: "nonce", type: "bytes32" },
    ],
  };
  const { name, version, chainId, verifyingContract } = await w.token.eip712Domain();
  const message = {
    ...{ from: payer.address, to: w.signers.other.address, value: FEE },
    ...{ validAfter: 0n, validBefore: 2n ** 40n, nonce },
  };
  const signature = await payer.signTypedData({ name, version, chainId, verifyingContract }, types, message);
  await w.token["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](
    ...[message.from, message.to, message.value, message.validAfter, message.validBefore, nonce, signature],
  );
}
