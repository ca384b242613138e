import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import { DelayBounds, Delays, Figure, SettledPoint } from "../../generated/schema";
import { byte, dayOf, ONE, onlyMode, protocol, ratio, startOf, word4, ZERO } from "./common";
import { MODES } from "./names";

/** In place of a day: all time. */
export const ALL_TIME: i32 = -1;

/** `Bytes.empty()` is four zero bytes. */
const NOTHING = new Bytes(0);
const NETWORK: i32 = 0;
const MODE: i32 = 1;
const MODEL: i32 = 2;
const SCOPES = ["NETWORK", "MODE", "MODEL"];

/** Upper bounds of delays, in seconds; the registry settles nothing that was completed longer ago than the last. */
const BOUNDS: i32[] = [
  5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10800, 14400,
  21600, 28800, 43200, 64800, 86400, 129600, 172800, 216000, 259200,
];

/** What settled: a batch, or a receipt alone. */
export class Settled {
  mode: i32;
  model: Bytes | null;
  receipts: BigInt;
  alone: boolean;
  gasUsed: BigInt;
  gasFee: BigInt;
  /** Completion of each receipt, as far as the chain has it. */
  completions: BigInt[];

  constructor(mode: i32, receipts: BigInt, alone: boolean, gasUsed: BigInt, gasFee: BigInt) {
    this.mode = mode;
    this.model = null;
    this.receipts = receipts;
    this.alone = alone;
    this.gasUsed = gasUsed;
    this.gasFee = gasFee;
    this.completions = [];
  }
}

function load(day: i32, scope: i32, subject: Bytes): Figure {
  const id = word4(day).concat(byte(scope)).concat(subject);
  let found = Figure.load(id);
  if (found != null) return found;
  found = new Figure(id);
  if (day != ALL_TIME) {
    found.day = day;
    found.startsAt = startOf(day);
  }
  found.scope = SCOPES[scope];
  if (scope == MODE) found.mode = MODES[subject[0]];
  if (scope == MODEL) found.model = subject;
  found.batches = ZERO;
  found.receipts = ZERO;
  found.receiptsAlone = ZERO;
  found.opened = ZERO;
  found.openedFees = ZERO;
  found.gasUsed = ZERO;
  found.gasFee = ZERO;
  found.timed = ZERO;
  return found;
}

/** How delays of a figure are distributed; not saved. */
function delaysOf(id: Bytes): Delays {
  let found = Delays.load(id);
  if (found != null) return found;
  found = new Delays(id);
  const none: BigInt[] = [];
  for (let i = 0; i < BOUNDS.length; i++) none.push(ZERO);
  found.counts = none;
  return found;
}

/** Counts the delays of what settled now. Apart from the figure, as few figures have any and the list is long. */
function addDelays(row: Figure, completions: BigInt[], now: BigInt): void {
  if (completions.length == 0) return;
  const delays = delaysOf(row.id);
  const counts = delays.counts;
  for (let i = 0; i < completions.length; i++) {
    const at = place(now.minus(completions[i]));
    counts[at] = counts[at].plus(BigInt.fromI32(1));
  }
  delays.counts = counts;
  delays.save();
  row.timed = row.timed.plus(BigInt.fromI32(completions.length));
  row.delays = delays.id;
  row.delayP50AtMost = percentile(counts, row.timed, 50);
  row.delayP95AtMost = percentile(counts, row.timed, 95);
}

/** The bound below which at least `percent` of the counted delays are. */
function percentile(delays: BigInt[], timed: BigInt, percent: i32): BigInt | null {
  if (timed.isZero()) return null;
  const hundred = BigInt.fromI32(100);
  const wanted = timed.times(BigInt.fromI32(percent));
  let below = ZERO;
  for (let i = 0; i < delays.length; i++) {
    below = below.plus(delays[i]);
    if (below.times(hundred).ge(wanted)) return BigInt.fromI32(BOUNDS[i]);
  }
  return null;
}

function place(delay: BigInt): i32 {
  for (let i = 0; i < BOUNDS.length - 1; i++) if (delay.le(BigInt.fromI32(BOUNDS[i]))) return i;
  return BOUNDS.length - 1;
}

function addSettled(row: Figure, settled: Settled, now: BigInt): void {
  const one = BigInt.fromI32(1);
  if (settled.alone) row.receiptsAlone = row.receiptsAlone.plus(one);
  else row.batches = row.batches.plus(one);
  row.receipts = row.receipts.plus(settled.receipts);
  row.gasUsed = row.gasUsed.plus(settled.gasUsed);
  row.gasFee = row.gasFee.plus(settled.gasFee);
  row.gasPerReceipt = ratio(row.gasUsed, row.receipts, 6);
  row.gasFeePerReceipt = ratio(row.gasFee, row.receipts, 6);
  addDelays(row, settled.completions, now);
  row.save();
}

function addDay(day: i32, settled: Settled, now: BigInt): void {
  const network = load(day, NETWORK, NOTHING);
  addSettled(network, settled, now);
  for (let mode = 0; mode < MODES.length; mode++) {
    const row = load(day, MODE, byte(mode));
    if (mode == settled.mode) addSettled(row, settled, now);
    row.shareOfReceipts = ratio(row.receipts, network.receipts, 18);
    row.save();
  }
  const model = settled.model;
  if (model !== null) addSettled(load(day, MODEL, model), settled, now);
}

/** Counts what settled, for the day and for all time. */
export function countSettled(settled: Settled, block: ethereum.Block): void {
  if (DelayBounds.load(ONE) == null) {
    const bounds = new DelayBounds(ONE);
    bounds.seconds = BOUNDS.map<BigInt>((bound) => BigInt.fromI32(bound));
    bounds.save();
  }
  addDay(ALL_TIME, settled, block.timestamp);
  addDay(dayOf(block), settled, block.timestamp);

  const point = new SettledPoint(0);
  point.mode = MODES[settled.mode];
  point.receipts = settled.receipts;
  point.gasUsed = settled.gasUsed;
  point.gasFee = settled.gasFee;
  point.save();
}

function addOpened(row: Figure, fee: BigInt): void {
  row.opened = row.opened.plus(BigInt.fromI32(1));
  row.openedFees = row.openedFees.plus(fee);
  row.save();
}

/** Counts a receipt that was opened for money; `modeMask` is what channel, reservation or request allowed. */
export function countOpened(modelId: Bytes, modeMask: i32, fee: BigInt, block: ethereum.Block): void {
  const mode = onlyMode(modeMask);
  const days = [ALL_TIME, dayOf(block)];
  for (let i = 0; i < days.length; i++) {
    addOpened(load(days[i], NETWORK, NOTHING), fee);
    if (mode >= 0) addOpened(load(days[i], MODE, byte(mode)), fee);
    addOpened(load(days[i], MODEL, modelId), fee);
  }
  const totals = protocol();
  totals.opened = totals.opened.plus(BigInt.fromI32(1));
  totals.save();
}
