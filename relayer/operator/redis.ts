// SPDX-License-Identifier: MIT
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** One command as Redis reads it. */
const encode = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

/**
 * What Redis does with keys when its memory is full, asked over a connection of its own; null where it does not tell, as
 * hosted ones may not. @throws {Error} without the password, if it does not answer in time, or refuses.
 */
export function evictionPolicy(redisUrl: string, timeoutMs = 5_000): Promise<string | null> {
  const { protocol, hostname, port, username, password } = new URL(redisUrl);
  const at = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
  const login = [decodeURIComponent(username), decodeURIComponent(password)].filter(Boolean);
  return new Promise((resolve, reject) => {
    const ask = (): void => {
      if (password) socket.write(encode("AUTH", ...login));
      socket.write(encode("PING") + encode("CONFIG", "GET", "maxmemory-policy"));
    };
    const socket: Socket =
      protocol === "rediss:" ? connectTls({ ...at, servername: at.host }, ask) : connectPlain(at, ask);
    const done = (end: () => void): void => {
      socket.destroy();
      end();
    };
    let heard = "";
    socket.setTimeout(timeoutMs, () => done(() => reject(new Error(`Redis did not answer in ${timeoutMs} ms`))));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      done(() => reject(new Error(`Redis does not answer: ${error.code ?? error.name}`))),
    );
    socket.on("close", () => reject(new Error("Redis closed the connection")));
    socket.on("data", (chunk) => {
      heard += chunk.toString();
      const refused = /^-((?:NOAUTH|WRONGPASS|ERR invalid password|LOADING)[^\r\n]*)/m.exec(heard);
      if (refused) return done(() => reject(new Error(`Redis refused: ${refused[1]}`)));
      const [, after] = heard.split("+PONG\r\n");
      if (after === undefined) return undefined;
      // The last answer is complete with the policy, or is a refusal to tell, or is empty.
      const policy = /maxmemory-policy\r\n\$\d+\r\n([a-z-]+)\r\n/.exec(after)?.[1];
      if (policy !== undefined) return done(() => resolve(policy));
      if (/^(-[^\r]*|\*0)\r\n/.test(after)) return done(() => resolve(null));
      return undefined;
    });
  });
}
