import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { EthereumProvider } from "hardhat/types/providers";

/** Makes a chain that lives in this process answer over HTTP, so that it is reached as any node is. */
export async function openHttpDoor(provider: EthereumProvider): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
    const reply = await provider.request({ method, params }).then(
      (result) => ({ result }),
      (error: { code?: number; message: string; data?: unknown }) => ({
        error: { code: error.code ?? -32000, message: error.message, data: error.data },
      }),
    );
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...reply }));
  });
  // Opening a database keeps this process busy for seconds: an idle connection must not be cut in between.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
