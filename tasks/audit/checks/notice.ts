import { type History, inRange, type Rates } from "../history.ts";
import { Check, type Line } from "./check.ts";

const HOUR = 3_600;
/** As published: from the announcement of more until it applies. Seconds. */
const RATE_NOTICE = 4 * 24 * HOUR;
const STAKE_NOTICE = 4 * 24 * HOUR;
const TWIN_NOTICE = 48 * HOUR;
/** As published; 1e18 is 100 %. */
const TWIN_CAP = 5n * 10n ** 16n;
const TWIN_FEES = ["protocol", "subject"] as const;
const MOST: Omit<Rates, "node"> = { model: 2_000n, stakers: 1_500n, treasury: 1_000n, settler: 200n };

/** Changes of what others rely on against the notice they need (R10), and against constant caps (R8). */
export function checkNotice(history: History): Line[] {
  return [checkRates(history), checkStake(history), ...checkTwins(history)];
}

function checkRates(history: History): Line {
  const line = new Check(
    "notice",
    "Rates of fees were announced at least 4 days before their epoch, within the published caps.",
    "time of the block of RatesAnnounced against startsAt; rates against the caps. The first rates, of the deployment, need no notice",
  );
  for (const change of history.rates.filter((each) => inRange(history, each))) {
    if (change.kind === "withdrawn" || change.epoch === 0n) continue;
    const { epoch, startsAt, rates, time, transaction } = change;
    line.require(startsAt - time >= RATE_NOTICE, {
      subject: `rates of epoch ${epoch}`,
      expected: `announced ${RATE_NOTICE} seconds before`,
      found: `${startsAt - time} seconds`,
      transaction,
    });
    const sum = Object.values(rates).reduce((total: bigint, each: bigint) => total + each, 0n);
    line.expect(`sum of the rates of epoch ${epoch}`, sum, 10_000n, transaction);
    for (const [share, most] of Object.entries(MOST) as [keyof typeof MOST, bigint][])
      line.require(rates[share] <= most, {
        ...{ subject: `${share}'s rate of epoch ${epoch}`, expected: `at most ${most}`, found: String(rates[share]) },
        transaction,
      });
  }
  return line;
}

function checkStake(history: History): Line {
  const line = new Check(
    "notice",
    "Minimum stakes, own shares and commissions rose only with 4 days' notice.",
    "value of MinimumChanged, OwnShareChanged and CommissionChanged against the time of its block",
  );
  for (const announcement of history.stakeAnnouncements) {
    const { what, current, next, from, time, transaction } = announcement;
    if (!inRange(history, announcement)) continue;
    line.require(next <= current || from - time >= STAKE_NOTICE, {
      ...{ subject: `${what} from ${current} to ${next}`, expected: `${STAKE_NOTICE} seconds of notice` },
      ...{ found: `${from - time} seconds`, transaction },
    });
  }
  return line;
}

/** One fee of the market, followed through its events. */
interface TwinFee {
  present: bigint;
  pending: { percent: bigint; effectiveAt: number } | undefined;
  known: boolean;
}

function checkTwins(history: History): Line[] {
  const changes = new Check(
    "notice",
    "Fees of the key market rose only as announced, 48 hours before, and never above 5 %.",
    "FeeIncreaseAnnounced, FeeIncreaseWithdrawn and FeeChanged in order, against the times of their blocks",
  );
  const trades = new Check(
    "fees",
    "Every trade of keys paid the two fees of its block and nothing else.",
    "fees in Trade against its price and the fees that the events before it leave in force",
  );
  const fees: TwinFee[] = TWIN_FEES.map(() => ({ present: 0n, pending: undefined, known: false }));
  for (const event of history.twinFees) {
    const { time, transaction } = event;
    const told = inRange(history, event);
    if (event.kind === "trade") {
      if (!told) continue;
      for (const [i, name] of TWIN_FEES.entries()) {
        const percent = inForce(fees[i]!, time);
        if (!fees[i]!.known) trades.cannotTell(transaction, `the ${name} fee is not in the blocks that were read`);
        else
          trades.expect(
            `${name} fee of a trade at ${event.price} wei`,
            i === 0 ? event.protocol : event.subject,
            (event.price * percent) / 10n ** 18n,
            transaction,
          );
      }
      continue;
    }
    const fee = fees[event.fee];
    const name = `${TWIN_FEES[event.fee] ?? event.fee} fee`;
    if (fee === undefined) continue;
    if (event.kind === "announced") {
      const { announced, effectiveAt } = event;
      if (told) {
        changes.require(effectiveAt - time >= TWIN_NOTICE, {
          ...{ subject: `rise of the ${name} to ${announced}`, expected: `${TWIN_NOTICE} seconds of notice` },
          ...{ found: `${effectiveAt - time} seconds`, transaction },
        });
        changes.require(announced <= TWIN_CAP, {
          ...{ subject: name, expected: `at most ${TWIN_CAP}`, found: String(announced), transaction },
        });
      }
      fee.pending = { percent: announced, effectiveAt };
    } else if (event.kind === "withdrawn") {
      fee.pending = undefined;
    } else {
      const allowed =
        !fee.known ||
        event.present <= fee.present ||
        (fee.pending !== undefined && fee.pending.percent === event.present && time >= fee.pending.effectiveAt);
      if (told)
        changes.require(allowed && event.present <= TWIN_CAP, {
          ...{
            subject: `${name} from ${event.previous} to ${event.present}`,
            expected: "announced, and its time come",
          },
          found:
            fee.pending === undefined
              ? "not announced"
              : `announced ${fee.pending.percent} from ${fee.pending.effectiveAt}`,
          transaction,
        });
      Object.assign(fee, { present: event.present, pending: undefined, known: true });
    }
  }
  return [changes, trades];
}

const inForce = ({ present, pending }: TwinFee, time: number): bigint =>
  pending !== undefined && time >= pending.effectiveAt ? pending.percent : present;
