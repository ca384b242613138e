// SPDX-License-Identifier: MIT
// A small server that speaks S3's GET and PUT of objects, path style, and refuses whatever is not signed as AWS says
// (Signature Version 4), computed here anew from the request as it arrived.
import { createHash, createHmac } from "node:crypto";
import { startStoreServer, type StoreReply, type StoreRequest, type StoreServer } from "./http-store.ts";

export interface S3Server extends StoreServer {
  /** Objects by `bucket/key`. */
  objects: Map<string, Buffer>;
}

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();
const failed = (status: number, code: string): StoreReply => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`,
});

/** Why a request's signature does not hold; undefined if it does. */
export function signatureFault(request: StoreRequest, secret: string, region: string): string | undefined {
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (!parsed) return "AccessDenied";
  const [, , day, signedRegion, signedHeaders, signature] = parsed as unknown as string[];
  const header = (name: string): string => String(request.headers[name] ?? "");
  const payload = header("x-amz-content-sha256");
  if (payload !== sha256(request.body)) return "XAmzContentSHA256Mismatch";
  if (signedRegion !== region) return "AuthorizationHeaderMalformed";
  const names = signedHeaders!.split(";");
  // Whatever changes what the request means must be covered.
  const needed = ["host", ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"))];
  if (request.headers["if-none-match"] !== undefined) needed.push("if-none-match");
  if (needed.some((name) => !names.includes(name))) return "AccessDenied";
  const canonical = [
    ...[request.method, request.url.pathname, request.url.searchParams.toString()],
    ...names.map((name) => `${name}:${header(name).trim()}`),
    ...["", signedHeaders!, payload],
  ].join("\n");
  const time = header("x-amz-date");
  if (!time.startsWith(day!)) return "AccessDenied";
  const text = ["AWS4-HMAC-SHA256", time, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join("\n");
  const key = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${secret}`, day!), region));
  return hmac(key, text).toString("hex") === signature ? undefined : "SignatureDoesNotMatch";
}

export async function startS3Server(secret: string, region: string): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const server = await startStoreServer((request) => {
    const fault = signatureFault(request, secret, region);
    if (fault !== undefined) return failed(403, fault);
    const name = decodeURIComponent(request.url.pathname.slice(1));
    if (request.method === "PUT") {
      if (request.headers["if-none-match"] === "*" && objects.has(name)) return failed(412, "PreconditionFailed");
      objects.set(name, request.body);
      return { status: 200 };
    }
    const found = objects.get(name);
    return found ? { status: 200, body: found } : failed(404, "NoSuchKey");
  });
  return Object.assign(server, { objects });
}
