// SPDX-License-Identifier: MIT
// A client of server-sent events that keeps what a browser's would.
export interface ServerEvent {
  id: string;
  event: string;
  // oxlint-disable-next-line no-explicit-any
  data: any;
}

export interface EventStream {
  status: number;
  headers: Headers;
  /** Events so far, and comments. */
  events: ServerEvent[];
  comments: string[];
  /** The next one, or null where the stream ends before it. */
  next(): Promise<ServerEvent | null>;
  /** Resolves when the server has ended it. */
  ended: Promise<void>;
  close(): void;
}

export async function listen(url: string, lastEventId?: string): Promise<EventStream> {
  const control = new AbortController();
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
  const response = await fetch(url, { headers, signal: control.signal });
  const events: ServerEvent[] = [];
  const comments: string[] = [];
  let taken = 0;
  const state = { over: false };
  let heard = (): void => undefined;

  function block(text: string): void {
    const fields = new Map<string, string>();
    for (const line of text.split("\n")) {
      if (line.startsWith(":")) comments.push(line.slice(1).trim());
      else fields.set(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2));
    }
    if (fields.has("data"))
      events.push({ id: fields.get("id")!, event: fields.get("event")!, data: JSON.parse(fields.get("data")!) });
  }
  async function read(): Promise<void> {
    let rest = "";
    const text = new TextDecoder();
    try {
      for await (const chunk of response.body!) {
        const blocks = (rest + text.decode(chunk as Uint8Array, { stream: true })).split("\n\n");
        rest = blocks.pop()!;
        for (const each of blocks) block(each);
        heard();
      }
    } catch (error) {
      if (!control.signal.aborted) throw error;
    } finally {
      state.over = true;
      heard();
    }
  }
  const ended = read();
  ended.catch(() => undefined);
  return {
    ...{ status: response.status, headers: response.headers, events, comments, ended },
    async next() {
      while (events.length === taken && !state.over) await new Promise<void>((resolve) => (heard = resolve));
      return events[taken++] ?? null;
    },
    close: () => control.abort(),
  };
}
