import { changeToWire, eventToWire } from "../../relayer/twin/wire.ts";
import { watchFees } from "../../relayer/twin/watcher.ts";
import { sameFees, type FeeChange, type FeesKnowledge } from "../../relayer/twin/fees.ts";
import { type FeeSource, increasePending } from "./source.ts";
import { moment, type Place, plainReason, screen, sentence, summary, warnings } from "./text.ts";

export interface WatchOptions {
  format: "text" | "json";
  intervalMs: number;
  failOnIncrease: boolean;
}

const PATIENCE_MS = 10_000;
/** Sentences kept on the screen. */
const REMEMBERED = 8;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Shows what is known: told after every reading, with what changed since the one before. */
interface Show {
  told(knowledge: FeesKnowledge, changes: FeeChange[], problem: Error | null): void;
  end(): void;
}

/** Watches until it is ended. @returns the exit code. */
export async function watch(source: FeeSource, place: Place, options: WatchOptions): Promise<number> {
  const { format, intervalMs, failOnIncrease } = options;
  const out = process.stdout;
  const show = format === "json" ? lines(jsonLines(place)) : out.isTTY ? terminal(place) : lines(textLines());
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => (end = resolve));
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => [signal, () => end(code)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  // Whoever read our lines has gone: nobody is left to tell.
  const gone = (): void => end(0);
  out.on("error", gone);

  let problem: Error | null = null;
  const watcher = watchFees({
    read: () => source.read(),
    pollMs: intervalMs,
    patienceMs: PATIENCE_MS,
    told(knowledge) {
      if (knowledge.unknownSince === null) problem = null;
      show.told(knowledge, source.takeChanges(), problem);
      const { last, unknownSince } = knowledge;
      if (failOnIncrease && unknownSince === null && last && increasePending(last.reading)) end(2);
    },
    onError: (error) => (problem = error),
    onRecovery: () => undefined,
  });
  watcher.start();
  const code = await ended;
  await watcher.stop();
  show.end();
  for (const [signal, handler] of handlers) process.off(signal, handler);
  out.off("error", gone);
  return code;
}

/** One line a change, for pipes and files. */
function lines(linesOf: (before: FeesKnowledge | null, ...now: Parameters<Show["told"]>) => string[]): Show {
  let before: FeesKnowledge | null = null;
  return {
    told(knowledge, changes, problem) {
      for (const line of linesOf(before, knowledge, changes, problem)) process.stdout.write(`${line}\n`);
      before = knowledge;
    },
    end: () => undefined,
  };
}

const stamped = (seconds: number, text: string): string => `${moment(seconds)}  ${text}`;

export function textLines() {
  return (before: FeesKnowledge | null, now: FeesKnowledge, changes: FeeChange[], problem: Error | null): string[] => {
    const { last, unknownSince } = now;
    const wasUnknown = before !== null && before.unknownSince !== null;
    if (unknownSince !== null) {
      if (wasUnknown) return [];
      const what = before?.last ? "What was printed before may be out of date." : "Nothing is known yet.";
      const why = problem === null ? "" : ` (${plainReason(problem)})`;
      return [
        stamped(unknownSince / 1_000, `Cannot reach the chain since ${moment(unknownSince / 1_000)}${why}. ${what}`),
      ];
    }
    const { reading, readAt } = last!;
    const told = changes.map((change) => stamped(change.at, sentence(change)));
    if (!wasUnknown && before?.last) return told;
    const { timestamp } = reading.block;
    const back = wasUnknown ? [stamped(readAt / 1_000, "The chain answers again.")] : [];
    return [
      ...back,
      ...told,
      stamped(timestamp, summary(reading)),
      ...warnings(reading, timestamp).map((warning) => stamped(timestamp, warning)),
    ];
  };
}

export function jsonLines(place: Place) {
  return (before: FeesKnowledge | null, now: FeesKnowledge, changes: FeeChange[]): string[] => {
    const [a, b] = [before?.last?.reading, now.last?.reading];
    const same = a !== undefined && b !== undefined ? sameFees(a, b) : a === b;
    const turned = before === null || (before.unknownSince === null) !== (now.unknownSince === null);
    if (same && !turned && changes.length === 0) return [];
    return [JSON.stringify(eventToWire(now, changes.map(changeToWire), place, Date.now()))];
  };
}

/** Draws again with every reading, and every second for the countdown. */
function terminal(place: Place): Show {
  const tell = textLines();
  const happened: string[] = [];
  let before: FeesKnowledge | null = null;
  let shown: FeesKnowledge | null = null;

  function draw(): void {
    if (shown === null) return;
    const now = Date.now();
    const body = screen(shown, place, now, happened.slice(-REMEMBERED)).map(emphasised);
    const text = [...body, "", `${moment(now / 1_000)}. Ctrl-C ends.`];
    // Home, each line with the rest of its row cleared, then everything below: nothing flickers.
    process.stdout.write(`\x1b[H${text.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
  }

  process.stdout.write("\x1b[2J");
  const ticking = setInterval(draw, 1_000);
  return {
    told(knowledge, changes, problem) {
      const first = before === null || before.last === null;
      const fresh = tell(before, knowledge, changes, problem);
      // What the screen says anyway is no event.
      if (!first || knowledge.unknownSince !== null) happened.push(...fresh);
      before = shown = knowledge;
      draw();
    },
    end: () => clearInterval(ticking),
  };
}

function emphasised(line: string): string {
  if (process.env["NO_COLOR"]) return line;
  return /^(WARNING|CANNOT REACH)/.test(line) ? `\x1b[1;31m${line}\x1b[0m` : line;
}
