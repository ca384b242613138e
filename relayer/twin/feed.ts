// SPDX-License-Identifier: MIT
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { changesBetween, sameFees, type FeesKnowledge, type FeesReading } from "./fees.ts";
import { changeToWire, eventToWire, type FeesEvent, type WireChange } from "./wire.ts";

export interface FeedLimits {
  /** Streams at once, and those of one client. */
  maxStreams: number;
  maxStreamsEach: number;
  heartbeatMs: number;
  /** A stream ends after so long; its client connects again, with the id of the last event that it has. */
  lifeMs: number;
  /** Whoever takes nothing for so long is cut off. */
  stallMs: number;
}

export interface FeedOptions extends FeedLimits {
  market: string;
  chainId: number;
  now?: () => number;
}

/** Why a stream ended, for the metric. */
export type StreamEnd = "life" | "client" | "stalled" | "shutdown";

/** Events kept for those who come back. An event is about a kilobyte. */
const KEPT = 64;

interface Kept {
  number: number;
  knowledge: FeesKnowledge;
  changes: WireChange[];
}

/** What carries a stream: a client's connection. */
export type Connection = Pick<Socket, "destroy" | "destroyed" | "once" | "off">;

interface Stream {
  wake(): void;
  end(why: StreamEnd): void;
}

/** What is known of the fees, for whoever asks once and for whoever listens. */
export function createFeesFeed(options: FeedOptions) {
  const { maxStreams, maxStreamsEach, heartbeatMs, lifeMs, stallMs, now = Date.now } = options;
  // Ids of another run of this process mean nothing to this one.
  const run = randomBytes(6).toString("hex");
  const streams = new Set<Stream>();
  const clients = new Map<string, number>();
  const ended: Record<StreamEnd, number> = { life: 0, client: 0, stalled: 0, shutdown: 0 };
  const first: FeesKnowledge = { last: null, unknownSince: now() };
  let history: Kept[] = [{ number: 0, knowledge: first, changes: [] }];
  /** As of the last reading, which is newer than the last event. */
  let knowledge = first;
  let closed = false;

  const newest = (): Kept => history.at(-1)!;

  const same = (a: FeesReading | undefined, b: FeesReading | undefined): boolean =>
    a === undefined || b === undefined ? a === b : sameFees(a, b);

  /** Takes what a watcher knows now; an event where that is something else than before. */
  function told(next: FeesKnowledge): void {
    knowledge = next;
    const { number, knowledge: before } = newest();
    const [a, b] = [before.last?.reading, next.last?.reading];
    if (same(a, b) && (before.unknownSince === null) === (next.unknownSince === null)) return;
    const changes = a && b ? changesBetween(a, b).map(changeToWire) : [];
    history = [...history, { number: number + 1, knowledge: next, changes }].slice(-KEPT);
    for (const stream of streams) stream.wake();
  }

  /** The next event for whoever has had `seen`: the one after it, or the newest where that is not kept any more. */
  function after(seen: number | null): Kept | null {
    if (seen === newest().number) return null;
    return history.find(({ number }) => seen !== null && number === seen + 1) ?? newest();
  }

  const numberOf = (lastEventId: string | undefined): number | null => {
    const found = /^([0-9a-f]{12})-(0|[1-9][0-9]{0,14})$/.exec(lastEventId ?? "");
    return found?.[1] === run && Number(found[2]) <= newest().number ? Number(found[2]) : null;
  };

  function encode({ number, knowledge: then, changes }: Kept): string {
    // The newest event is told with what the last reading says, which may be of a later block.
    const data = eventToWire(number === newest().number ? knowledge : then, changes, options, now());
    return `id: ${run}-${number}\nevent: fees\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /**
   * Opens a stream, or refuses with null where there is no place.
   * @param connection Ended where the client takes nothing. Its end is watched here, as a request that waits behind
   * another on it is told of nothing, and would keep its place.
   */
  function open(
    client: string,
    lastEventId: string | undefined,
    connection: Connection,
  ): ReadableStream<Uint8Array> | null {
    if (closed || streams.size >= maxStreams || (clients.get(client) ?? 0) >= maxStreamsEach) return null;
    const text = new TextEncoder();
    let has = numberOf(lastEventId);
    let greeted = false;
    let why: StreamEnd | null = null;
    let beat = false;
    let wake = (): void => undefined;
    let stall: NodeJS.Timeout | undefined;

    const stream: Stream = {
      wake: () => wake(),
      end(reason) {
        if (why !== null) return;
        why = reason;
        ended[reason]++;
        streams.delete(stream);
        const left = clients.get(client)! - 1;
        if (left > 0) clients.set(client, left);
        else clients.delete(client);
        clearInterval(heart);
        clearTimeout(life);
        connection.off("close", gone);
        // A client that still takes nothing is cut off even though its stream is over.
        if (reason === "client") clearTimeout(stall);
        wake();
      },
    };
    const heart = setInterval(() => {
      beat = true;
      wake();
    }, heartbeatMs);
    const life = setTimeout(() => stream.end("life"), lifeMs);
    const gone = (): void => stream.end("client");
    connection.once("close", gone);
    streams.add(stream);
    clients.set(client, (clients.get(client) ?? 0) + 1);
    if (connection.destroyed) gone();

    function next(): string | null {
      const kept = after(has);
      if (kept !== null) {
        // Whoever lost its place has the newest state, and no changes that would leave a gap.
        const follows = has !== null && kept.number === has + 1;
        has = kept.number;
        const opening = greeted ? "" : "retry: 3000\n\n";
        greeted = true;
        return opening + encode(follows ? kept : { ...kept, changes: [] });
      }
      if (!greeted) {
        greeted = true;
        return `retry: 3000\n\n${encode({ ...newest(), changes: [] })}`;
      }
      if (!beat) return null;
      beat = false;
      return ": still here\n\n";
    }

    return new ReadableStream<Uint8Array>(
      {
        // Asked for the next piece only once the one before is on its way: nothing piles up for a slow client.
        async pull(controller) {
          clearTimeout(stall);
          for (;;) {
            if (why !== null) return controller.close();
            const piece = next();
            if (piece !== null) {
              controller.enqueue(text.encode(piece));
              stall = setTimeout(() => {
                stream.end("stalled");
                connection.destroy();
              }, stallMs);
              return undefined;
            }
            await new Promise<void>((resolve) => (wake = resolve));
          }
        },
        cancel: () => stream.end("client"),
      },
      { highWaterMark: 0 },
    );
  }

  return {
    told,
    open,
    snapshot: (): FeesEvent => eventToWire(knowledge, [], options, now()),
    knowledge: () => knowledge,
    streams: () => streams.size,
    ended: (): Readonly<Record<StreamEnd, number>> => ended,
    /** Ends every stream, and opens none any more. */
    close(): void {
      closed = true;
      for (const stream of [...streams]) stream.end("shutdown");
    },
  };
}
export type FeesFeed = ReturnType<typeof createFeesFeed>;
