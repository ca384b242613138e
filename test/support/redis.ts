import { spawn, type ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { freePort } from "../../demo/wire.ts";

export interface RedisServer {
  url: string;
  /** One command and its answer, as the wire has it. */
  say(...words: string[]): Promise<string>;
  /** As if its machine went away. */
  stop(): Promise<void>;
  /** The same address again, with nothing in it. */
  start(): Promise<void>;
}

/** A real Redis server that keeps nothing on disk. */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const port = await freePort();
  let server: ChildProcess | undefined;

  function say(...words: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`${words.join(" ")}\r\n`));
      socket.once("data", (data) => {
        socket.end();
        resolve(data.toString());
      });
      socket.once("error", reject);
    });
  }
  async function start(): Promise<void> {
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...settings];
    server = spawn("redis-server", options, { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      const answer = await say("PING").catch(() => "");
      if (answer.startsWith("+PONG")) return;
      if (tries > 100) throw new Error("Redis did not start.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    say,
    start,
    async stop() {
      if (!server) return;
      const ended = new Promise((resolve) => server!.once("exit", resolve));
      server.kill("SIGKILL");
      await ended;
      server = undefined;
    },
  };
}
