import {
  batchDigest,
  channelRequestId,
  type Hex,
  receiptId,
  recoverSigner,
  verifyProof,
} from "../../../relayer/protocol/index.ts";
import { type Fault, FAULTS, type History, inRange, type Report, reportKey, type Statement } from "../history.ts";
import { Check, type Line } from "./check.ts";

/** As published: of everything that stands behind the node. */
const PUBLISHED_BPS = [500n, 200n, 500n];
const WHOLE = 10_000n;
/** Bonded and unbonding delegation are each a pool of shares, and own stake that unbonds a third: each may round a wei. */
const ROUNDING = 3n;

/** Slashes against the evidence that they rest on. */
export async function checkSlashes(history: History): Promise<Line[]> {
  return [checkPairs(history), checkAmounts(history), await checkEvidence(history)];
}

function checkPairs(history: History): Line {
  const line = new Check(
    "slashes",
    "Every slash is for a fault that was proved in the same transaction, and every proved fault was slashed.",
    "Slashed against FaultProven by transaction, operator, kind, reporter and amount",
  );
  const name = (each: { transaction: Hex; operator: Hex; nodeKind: number; reporter: Hex }, amount: bigint) =>
    [each.transaction, each.operator, each.nodeKind, each.reporter, amount].join(" ");
  const faults = new Map<string, number>();
  for (const fault of history.faults) {
    const key = name(fault, fault.slashed);
    faults.set(key, (faults.get(key) ?? 0) + 1);
  }
  for (const slash of history.slashes) {
    const key = name(slash, slash.amount);
    const left = faults.get(key) ?? 0;
    faults.set(key, left - 1);
    if (inRange(history, slash))
      line.require(left > 0, {
        subject: `slash of ${slash.amount} wei, operator ${slash.operator}`,
        ...{ expected: "a proved fault", found: "none", transaction: slash.transaction },
      });
  }
  for (const fault of history.faults.filter((each) => inRange(history, each)))
    line.require((faults.get(name(fault, fault.slashed)) ?? 0) <= 0, {
      subject: `${FAULTS[fault.kind]} of key ${fault.keyId}`,
      ...{ expected: `a slash of ${fault.slashed} wei`, found: "none", transaction: fault.transaction },
    });
  return line;
}

function checkAmounts(history: History): Line {
  const line = new Check(
    "slashes",
    "A slash took the published part of the pool and no more; the reporter got at most a tenth.",
    "amount and what was left, of Slashed, against 5 % for equivocation and foreign leaves and 2 % for channel faults",
  );
  for (const slash of history.slashes.filter((each) => inRange(history, each))) {
    const { amount, left, reward, transaction } = slash;
    const fault = history.faults.find(
      (each) => each.transaction === transaction && each.operator === slash.operator && each.slashed === amount,
    );
    const bps = fault === undefined ? undefined : PUBLISHED_BPS[fault.kind];
    const subject = `slash of ${amount} wei, operator ${slash.operator}`;
    if (bps === undefined) {
      line.cannotTell(subject, "the fault that it was for is not known");
      continue;
    }
    const most = ((left + amount) * bps) / WHOLE;
    line.require(amount <= most && amount + ROUNDING >= most, {
      ...{ subject, expected: `${most} wei, ${bps} of 10,000`, found: `${amount} wei`, transaction },
    });
    line.require(reward <= amount / 10n, {
      ...{ subject: `reward for the ${subject}`, expected: `at most ${amount / 10n} wei`, found: `${reward} wei` },
      transaction,
    });
  }
  return line;
}

async function checkEvidence(history: History): Promise<Line> {
  const line = new Check(
    "slashes",
    "The evidence that was handed in proves the fault: two statements of one key that contradict each other, or a leaf that is not the key's.",
    "statements from the calldata of the report: ids, Merkle proofs and signatures computed here; signers from the key registries",
  );
  for (const fault of history.faults.filter((each) => inRange(history, each))) {
    const subject = `${FAULTS[fault.kind] ?? `fault ${fault.kind}`} of key ${fault.keyId}`;
    const report = history.reports.get(reportKey(fault.transaction, fault.keyId, fault.requestId));
    if (report === undefined) {
      line.cannotTell(subject, "reported through another contract: the evidence is not the transaction's calldata");
      continue;
    }
    line.expect(subject, await proves(history, fault, report), "proved", fault.transaction);
  }
  return line;
}

/** "proved", or what the evidence lacks. */
async function proves(history: History, fault: Fault, { statements, channelId }: Report): Promise<string> {
  const domain = { chainId: history.chainId, verifyingContract: history.registry };
  const signed = async ({ receipt, batch, index, proof, signature }: Statement, foreign: boolean): Promise<string> => {
    const id = receiptId(domain, receipt);
    const alone = batch.count === 0;
    if (!alone && !verifyProof(batch.root, batch.count, index, id, proof)) return `receipt ${id} is not in its batch`;
    const key = foreign ? batch.keyId : receipt.keyId;
    if (!alone && !foreign && (batch.keyId !== receipt.keyId || batch.mode !== receipt.mode))
      return `receipt ${id} is of another key or mode than its batch`;
    const signer = recoverSigner(alone ? id : batchDigest(domain, batch), signature);
    return signer === (await history.chain.signerOf(key)) ? "" : `receipt ${id} is not signed by key ${key}`;
  };
  const [a, b] = statements;
  if (a === undefined) return "no statement";
  if (fault.kind === 2) {
    if (a.batch.count === 0 || (a.receipt.keyId === a.batch.keyId && a.receipt.mode === a.batch.mode))
      return "the leaf is the key's own";
    return (await signed(a, true)) || "proved";
  }
  if (b === undefined) return "one statement only";
  for (const each of [a, b]) {
    const problem = await signed(each, false);
    if (problem) return problem;
  }
  if (fault.kind === 0) {
    if (a.receipt.keyId !== b.receipt.keyId || a.receipt.requestId !== b.receipt.requestId)
      return "statements of two keys or about two requests";
    const differ = (["modelId", "inputHash", "outputHash", "contextHash", "cumulativeFee"] as const).some(
      (field) => a.receipt[field] !== b.receipt[field],
    );
    return differ ? "proved" : "the statements say the same";
  }
  const inChannel = (each: Statement) =>
    channelId !== undefined && channelRequestId(channelId, each.receipt.sequence) === each.receipt.requestId;
  if (!inChannel(a) || !inChannel(b)) return "statements that are not of the channel";
  return a.receipt.sequence < b.receipt.sequence && a.receipt.cumulativeFee > b.receipt.cumulativeFee
    ? "proved"
    : "the channel's total did not fall";
}
