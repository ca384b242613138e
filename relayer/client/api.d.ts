// SPDX-License-Identifier: MIT
// Made by `npm run client` from the relayer's own OpenAPI document. Do not edit.
export interface paths {
  "/v1/receipts": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Hand in one signed receipt; ZKML ones with their proof */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["SubmitReceipt"];
        };
      };
      responses: {
        /** @description Known already */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedReceipt"];
          };
        };
        /** @description Durable */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedReceipt"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description An API key is needed here, or the one shown is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope submit */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Equivocation, not to be signed any more, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Well-formed, but nothing the chain would settle; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests, or the key's quota is used up */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/batches": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Hand in a signed batch (VANILLA, TEE) with all its receipts */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["SubmitBatch"];
        };
      };
      responses: {
        /** @description Known already */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Durable */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description An API key is needed here, or the one shown is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope submit */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Equivocation, not to be signed any more, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Well-formed, but nothing the chain would settle; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests, or the key's quota is used up */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/proofs": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Hand in a proved batch (ZKML): one key, one model version, a proof a receipt */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["SubmitProofs"];
        };
      };
      responses: {
        /** @description Known already */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Durable; its proofs are checked next */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description An API key is needed here, or the one shown is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope submit */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Equivocation, not to be signed any more, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Well-formed, but nothing the chain would settle; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests, or the key's quota is used up */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/receipts/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What is known of a receipt, and how to open it on chain */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Known */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ReceiptStatus"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not known here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/batches/{digest}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What is known of a batch */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          digest: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Known */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["BatchStatus"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not known here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/keys/{keyId}/seals": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Wait for a batch of single receipts to sign; sign it only if you issued every leaf */
    get: {
      parameters: {
        query?: {
          wait?: number | null;
        };
        header?: never;
        path: {
          keyId: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A batch to sign */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["SealOffer"];
          };
        };
        /** @description None in this time */
        204: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many wait already */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/seals/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Answer an offer with the key's signature over the batch digest */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["AnswerSeal"];
        };
      };
      responses: {
        /** @description Sealed already */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Sealed */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["AcceptedBatch"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description An API key is needed here, or the one shown is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope submit */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No such offer */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Equivocation, not to be signed any more, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Well-formed, but nothing the chain would settle; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests, or the key's quota is used up */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/twin/fees": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Present and announced fees of the key market */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description As of the last look */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["TwinFeesEvent"];
          };
        };
        /** @description No market is watched here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The chain cannot be asked: the fees are unknown, not unchanged */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/twin/fees/stream": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Server-sent events: `fees` at once and with every change, the chain being out of reach included */
    get: {
      parameters: {
        query?: never;
        header?: {
          /** @description Sent by browsers that connect again: the changes since then come first, as far as they are kept */
          "last-event-id"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Events whose data is a TwinFeesEvent */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "text/event-stream": components["schemas"]["TwinFeesEvent"];
          };
        };
        /** @description No market is watched here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many listen already */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/x402/supported": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What payments are settled here (x402 v2) */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Schemes by network */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["X402SupportedResponse"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/x402/verify": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Check a payment and reserve it, once */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json":
            components["schemas"]["X402PaymentRequest"] | components["schemas"]["X402PaymentRequestV1"];
        };
      };
      responses: {
        /** @description Whether it is good; good once only */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["X402VerifyResponse"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/x402/settle": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Settle a payment and wait for its transfer */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json":
            components["schemas"]["X402PaymentRequest"] | components["schemas"]["X402PaymentRequestV1"];
        };
      };
      responses: {
        /** @description Paid, refused, or `settlement_pending` */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["X402SettleResponse"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not JSON */
        415: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/x402/payments/{requestId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Where a payment stands, for whoever lost an answer */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          requestId: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Known */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["X402PaymentStatus"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not known here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/status": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How the relayer stands */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Now */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Status"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/receipts": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Receipts, newest first */
    get: {
      parameters: {
        query?: {
          state?: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
          key?: string;
          /** @description Received at or after, unix milliseconds */
          since?: number | null;
          limit?: number;
          /** @description `next` of the page before */
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A page */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ReceiptList"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/batches": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Batches, newest first */
    get: {
      parameters: {
        query?: {
          state?: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
          key?: string;
          /** @description Received at or after, unix milliseconds */
          since?: number | null;
          limit?: number;
          /** @description `next` of the page before */
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A page */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["BatchList"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/transactions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Calls and their signed forms */
    get: {
      parameters: {
        query?: {
          state?: "queued" | "pending" | "mined" | "final" | "failed";
          /** @description Received at or after, unix milliseconds */
          since?: number | null;
          limit?: number;
          /** @description `next` of the page before */
          cursor?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A page */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["TransactionList"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/dead-letters": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Work that failed too often */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description All */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["DeadLetterList"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description None are kept without Redis */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/replay": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Try dead letters again now */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Replay"];
        };
      };
      responses: {
        /** @description Done */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Replayed"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description None are kept without Redis */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description It would change nothing, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description This Idempotency-Key was used for another request */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/retry": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Make one thing due now */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Retry"];
        };
      };
      responses: {
        /** @description Done */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Retried"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not known here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description It would change nothing, or the first request under this Idempotency-Key still runs */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description This Idempotency-Key was used for another request */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/keys": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** API keys, without their secrets */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description All */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ApiKeyList"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    /** Make an API key; no Idempotency-Key */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["NewApiKey"];
        };
      };
      responses: {
        /** @description Made; its secret is shown this once */
        201: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["MadeApiKey"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operator/keys/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /** End an API key for good */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Revoked */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ApiKey"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No API key, or one that is none */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description The API key lacks the scope */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No such key */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/leaves/{dataHash}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The leaves document that a batch's dataHash names; keccak256 of the body is that hash */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          dataHash: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The document, for ever the same */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/octet-stream": string;
          };
        };
        /** @description As you have it */
        304: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not published here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/leaves/{dataHash}/places": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Where else the document is published */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          dataHash: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Known */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["LeavesPlaces"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Not published here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/settle_data": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Hand in an answer of an OpenGradient gateway */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** @description private, batch or individual; batch if unset */
          "x-settlement-type"?: string;
          /** @description base64 of the JSON that a gateway makes */
          "x-settlement-data"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Private: nothing is done */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              settlementJob: null;
              notes: string;
            };
          };
        };
        /** @description Durable, or known already under the same id */
        202: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              settlementJob: components["schemas"]["GatewayJob"];
            };
          };
        };
        /** @description Malformed; the code names the field */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Well-formed, but nothing the chain would take; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description The header is too large */
        431: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/settle/{jobId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Where an answer of a gateway stands */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          jobId: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Known */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["GatewayJob"];
          };
        };
        /** @description Malformed */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Not known here */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/heartbeat": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Hand in a heartbeat of an OpenGradient gateway */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A node has the transaction that carries it */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["RelayedHeartbeat"];
          };
        };
        /** @description Durable; it waits for its turn, unless a newer one comes */
        202: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["RelayedHeartbeat"];
          };
        };
        /** @description Malformed; the code names the field */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Not newer than one that is known */
        409: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Well-formed, but nothing the chain would take; the code says why */
        422: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description The header is too large */
        431: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
        /** @description Busy, or the chain cannot be asked: nothing is known */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/usage": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Answers of gateways handed in, by day */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The last 30 days */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["GatewayUsage"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["GatewayProblem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/lookup/{sender}/{data}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Answer a contract's look-up (ERC-3668) */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          sender: string;
          data: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Receipt, evidence and output, for the callback */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["LookupAnswer"];
          };
        };
        /** @description No question of a LookupConsumer */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No verified receipt here answers this question under this policy */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/lookup": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** The same for a URL without {data} */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": {
            sender: string;
            data: string;
          };
        };
      };
      responses: {
        /** @description Receipt, evidence and output, for the callback */
        200: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["LookupAnswer"];
          };
        };
        /** @description No question of a LookupConsumer */
        400: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description No verified receipt here answers this question under this policy */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too large */
        413: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Too many requests */
        429: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
        /** @description Busy */
        503: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/problem+json": components["schemas"]["Problem"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    AcceptedReceipt: {
      receiptId: string;
      /**
       * @description What is known: `received` (durable), `verified` (evidence holds), `batched`, `submitted` (in a call), `mined` (in a block that may vanish), `final`, or `rejected` with a reason
       * @enum {string}
       */
      state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
    };
    Problem: {
      type: string;
      title: string;
      status: number;
      code: string;
      detail: string;
      /** @description The detail again, where clients of ERC-3668 look for it */
      message: string;
      positions?: number[];
      errors?: {
        path: string;
        message: string;
      }[];
    };
    SubmitReceipt: {
      receipt: components["schemas"]["Receipt"];
      /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
      signature: string;
      evidence?: string;
      /** @description Where it was signed for; checked if given */
      domain?: {
        /** @example 1 */
        chainId: string;
        /** @example 0xabababababababababababababababababababab */
        verifyingContract: string;
      };
    };
    Receipt: {
      /** @example 0xabababababababababababababababababababababababababababababababab */
      requestId: string;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      modelId: string;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      inputHash: string;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      outputHash: string;
      outputScheme: number;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      contextHash: string;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      keyId: string;
      /** @example 0xabababababababababababababababababababab */
      payer: string;
      /** @example 1 */
      sequence: string;
      /** @example 1 */
      cumulativeFee: string;
      /** @example 1 */
      completedAt: string;
      mode: number;
    };
    AcceptedBatch: {
      digest: string;
      count: number;
      /**
       * @description What is known: `received` (durable), `verified` (evidence holds), `batched`, `submitted` (in a call), `mined` (in a block that may vanish), `final`, or `rejected` with a reason
       * @enum {string}
       */
      state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
      reason: string | null;
    };
    SubmitBatch: {
      batch: components["schemas"]["Batch"];
      /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
      signature: string;
      receipts: {
        receipt: components["schemas"]["Receipt"];
        /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
        signature: string;
      }[];
      /** @description Where it was signed for; checked if given */
      domain?: {
        /** @example 1 */
        chainId: string;
        /** @example 0xabababababababababababababababababababab */
        verifyingContract: string;
      };
    };
    Batch: {
      /** @example 0xabababababababababababababababababababababababababababababababab */
      keyId: string;
      mode: number;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      root: string;
      count: number;
      /** @example 0xabababababababababababababababababababababababababababababababab */
      dataHash: string;
      /** @example 0xabababababababababababababababababababab */
      settler: string;
    };
    SubmitProofs: {
      batch: components["schemas"]["Batch"];
      /** @example 0xabababababababababababababababababababababababababababababababab */
      modelId: string;
      /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
      signature: string;
      receipts: {
        receipt: components["schemas"]["Receipt"];
        /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
        signature: string;
      }[];
      evidence: string;
      /** @description Where it was signed for; checked if given */
      domain?: {
        /** @example 1 */
        chainId: string;
        /** @example 0xabababababababababababababababababababab */
        verifyingContract: string;
      };
    };
    ReceiptStatus: {
      receiptId: string;
      /**
       * @description What is known: `received` (durable), `verified` (evidence holds), `batched`, `submitted` (in a call), `mined` (in a block that may vanish), `final`, or `rejected` with a reason
       * @enum {string}
       */
      state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
      reason: string | null;
      receipt: components["schemas"]["Receipt"];
      signature: string;
      batch: string | null;
      index: number | null;
      opening: {
        receipt: components["schemas"]["Receipt"];
        batch: {
          /** @example 0xabababababababababababababababababababababababababababababababab */
          keyId: string;
          mode: number;
          /** @example 0xabababababababababababababababababababababababababababababababab */
          root: string;
          count: number;
          /** @example 0xabababababababababababababababababababababababababababababababab */
          dataHash: string;
          /** @example 0xabababababababababababababababababababab */
          settler: string;
        };
        index: number;
        proof: string[];
      } | null;
      transactionHash: string | null;
      settledAt: number | null;
    };
    BatchStatus: {
      digest: string;
      /**
       * @description What is known: `received` (durable), `verified` (evidence holds), `batched`, `submitted` (in a call), `mined` (in a block that may vanish), `final`, or `rejected` with a reason
       * @enum {string}
       */
      state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
      reason: string | null;
      batch: components["schemas"]["Batch"];
      signature: string;
      modelId: string | null;
      invalid: number[] | null;
      published: boolean;
      transactionHash: string | null;
      settledAt: number | null;
    };
    SealOffer: {
      id: string;
      batch: components["schemas"]["Batch"];
      receiptIds: string[];
    };
    AnswerSeal: {
      /** @example 0xababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab */
      signature: string;
    };
    TwinFeesEvent: {
      /** @enum {string} */
      status: "known" | "unknown";
      market: string;
      chainId: number;
      fees: components["schemas"]["TwinFees"];
      lastKnown: components["schemas"]["TwinFees"] & unknown;
      readAt: number | null;
      unknownSince: number | null;
      changes: {
        /** @enum {string} */
        kind: "increase_announced" | "increase_withdrawn" | "increased" | "decreased";
        /** @enum {string} */
        fee: "protocol" | "subject";
        at: number;
        transaction: string | null;
        /**
         * @description Exact, in percent of the price
         * @example 2.5
         */
        fromPercent: string;
        /**
         * @description Exact, in percent of the price
         * @example 2.5
         */
        toPercent: string;
        effectiveAt: number | null;
      }[];
    };
    /** @description Null while unknown */
    TwinFees: {
      block: {
        number: number;
        hash: string;
        timestamp: number;
      };
      /** @description No increase applies sooner after its announcement */
      noticeSeconds: number;
      increasePending: boolean;
      protocol: components["schemas"]["TwinFee"];
      subject: components["schemas"]["TwinFee"];
      /** @description For keys priced at 1 ETH, in ETH: now (`from` is null), and after each increase */
      tradeOfOneEth: {
        from: number | null;
        /**
         * @description Exact, in percent of the price
         * @example 2.5
         */
        feesPercent: string;
        buyerPays: string;
        sellerGets: string;
      }[];
    } | null;
    TwinFee: {
      /**
       * @description Exact, in percent of the price
       * @example 2.5
       */
      presentPercent: string;
      /**
       * @description No fee above it can ever apply
       * @example 2.5
       */
      capPercent: string;
      /** @description Announced, and paid by trades from `effectiveAt` on; null where nothing is announced */
      increase: {
        /**
         * @description Exact, in percent of the price
         * @example 2.5
         */
        percent: string;
        effectiveAt: number;
        secondsLeft: number;
      } | null;
    };
    X402SupportedResponse: {
      kinds: {
        x402Version: number;
        scheme: string;
        network: string;
        extra?: {
          [key: string]: unknown;
        };
      }[];
      extensions: string[];
      signers: {
        [key: string]: string[];
      };
    };
    X402VerifyResponse: {
      isValid: boolean;
      invalidReason?: string;
      invalidMessage?: string;
      payer?: string;
      /** @description `opengradient.requestId` is the request id that belongs into the receipt (R5) */
      extensions?: {
        [key: string]: unknown;
      };
    };
    X402PaymentRequest: {
      x402Version: number;
      paymentPayload: {
        x402Version: number;
        accepted: components["schemas"]["X402PaymentRequirements"];
        payload: {
          [key: string]: unknown;
        };
      };
      paymentRequirements: components["schemas"]["X402PaymentRequirements"];
    };
    X402PaymentRequirements: {
      scheme: string;
      network: string;
      amount: string;
      asset: string;
      payTo: string;
      maxTimeoutSeconds: number;
      extra?: {
        [key: string]: unknown;
      } | null;
    };
    X402PaymentRequestV1: {
      /** @enum {number} */
      x402Version: 1;
      paymentPayload: {
        /** @enum {number} */
        x402Version: 1;
        scheme: string;
        network: string;
        payload: {
          [key: string]: unknown;
        };
      };
      paymentRequirements: {
        scheme: string;
        network: string;
        maxAmountRequired: string;
        payTo: string;
        asset: string;
        maxTimeoutSeconds: number;
        extra?: {
          [key: string]: unknown;
        } | null;
      };
    };
    X402SettleResponse: {
      success: boolean;
      errorReason?: string;
      errorMessage?: string;
      payer?: string;
      transaction: string;
      network: string;
      amount?: string;
      /** @description `opengradient.requestId` is the request id that belongs into the receipt (R5) */
      extensions?: {
        [key: string]: unknown;
      };
    };
    X402PaymentStatus: {
      requestId: string;
      /**
       * @description `reserved` (found good, nothing sent), `submitted` (unknown until it is one of the following), `mined`, `final`, or `failed` for good
       * @enum {string}
       */
      state: "reserved" | "submitted" | "mined" | "final" | "failed";
      reason: string | null;
      payer: string;
      payTo: string;
      amount: string;
      transaction: string | null;
      answered: boolean;
    };
    Status: {
      /** @description Unix milliseconds */
      at: number;
      chain: {
        chainId: number;
        head: number | null;
        blockAgeSeconds: number | null;
        /** @description Wei, a decimal string */
        baseFeePerGas: string | null;
        endpoints: {
          host: string;
          up: boolean;
          latencyMs: number | null;
          head: number | null;
          lag: number | null;
        }[];
      };
      sender: {
        address: string | null;
        /** @description Wei, a decimal string */
        balanceWei: string | null;
        latestNonce: number | null;
        pendingNonce: number | null;
      };
      backlog: {
        table: string;
        state: string;
        count: number;
        oldestSeconds: number | null;
      }[];
      works: {
        work: string;
        due: number;
        lagSeconds: number;
        consecutiveFailures: number | null;
      }[];
      transactions: {
        id: string;
        state: string;
        kind: string | null;
        nonce: number | null;
        attempts: number;
        lastHash: string | null;
        /** @description Wei, a decimal string */
        maxFeePerGas: string | null;
        ageSeconds: number;
        parked: string | null;
      }[];
      spent: {
        kind: string;
        calls: number;
        gas: string;
        /** @description Wei, a decimal string */
        wei: string;
      }[];
      deadLetters: {
        [key: string]: number;
      } | null;
    };
    ReceiptList: {
      items: {
        receiptId: string;
        requestId: string;
        keyId: string;
        modelId: string;
        mode: number;
        /** @enum {string} */
        state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
        reason: string | null;
        batch: string | null;
        index: number | null;
        transactionId: string | null;
        /** @description Unix milliseconds */
        receivedAt: number;
        /** @description Unix seconds */
        settledAt: number | null;
      }[];
      /** @description Cursor of the next page; null where this was the last */
      next: string | null;
    };
    BatchList: {
      items: {
        digest: string;
        /** @enum {string} */
        state: "received" | "verified" | "batched" | "submitted" | "mined" | "final" | "rejected";
        reason: string | null;
        keyId: string;
        mode: number;
        count: number;
        proved: boolean;
        published: boolean;
        transactionId: string | null;
        /** @description Unix milliseconds */
        receivedAt: number;
        /** @description Unix seconds */
        settledAt: number | null;
        /** @description Failed tries in a row */
        tries: number;
        /** @description When the next is due, unix milliseconds; 0 for now */
        dueAt: number;
      }[];
      /** @description Cursor of the next page; null where this was the last */
      next: string | null;
    };
    TransactionList: {
      items: {
        id: string;
        /** @enum {string} */
        state: "queued" | "pending" | "mined" | "final" | "failed";
        kind: string | null;
        sender: string;
        to: string;
        nonce: number | null;
        hash: string | null;
        succeeded: boolean | null;
        reason: string | null;
        /** @description Unix milliseconds */
        createdAt: number;
        /** @description Unix milliseconds */
        finalAt: number | null;
        gasUsed: number | null;
        /** @description Wei, a decimal string */
        feeWei: string | null;
        attempts: {
          hash: string;
          state: string;
          purpose: string;
          /** @description Wei, a decimal string */
          maxFeePerGas: string;
          /** @description Unix milliseconds */
          signedAt: number;
        }[];
      }[];
      /** @description Cursor of the next page; null where this was the last */
      next: string | null;
    };
    DeadLetterList: {
      items: {
        work: string;
        key: string;
        reason: string;
        failures: number;
        /** @description Unix milliseconds */
        diedAt: number;
      }[];
    };
    Replayed: {
      replayed: number;
    };
    Replay: {
      /** @description All kinds without it */
      work?: string;
      /** @description All of the kind without it */
      key?: string;
    };
    Retried: {
      /** @enum {string} */
      kind: "batch" | "receipt" | "transaction";
      id: string;
      state: string;
      /** @enum {string} */
      did: "due_now" | "reopened";
    };
    Retry: {
      id: string;
    };
    ApiKeyList: {
      items: components["schemas"]["ApiKey"][];
    };
    ApiKey: {
      id: string;
      label: string;
      scopes: ("read" | "retry" | "admin" | "submit")[];
      receiptsPerMinute: number | null;
      /** @description Unix milliseconds */
      createdAt: number;
      /** @description Unix milliseconds */
      lastUsedAt: number | null;
      /** @description Unix milliseconds */
      revokedAt: number | null;
    };
    MadeApiKey: {
      key: components["schemas"]["ApiKey"];
      /** @description Shown this once */
      secret: string;
    };
    NewApiKey: {
      /** @default  */
      label: string;
      scopes: ("read" | "retry" | "admin" | "submit")[];
      /** @default null */
      receiptsPerMinute: number | null;
    };
    LeavesPlaces: {
      dataHash: string;
      places: {
        store: string;
        /** @description CID or blob id, where one is needed */
        locator: string | null;
        /** @description Unix milliseconds; null if it does not expire */
        expiresAt: number | null;
      }[];
    };
    GatewayJob: {
      jobId: string;
      queue: string;
      /**
       * @description `succeeded` once settled for good
       * @enum {string}
       */
      status: "queued" | "processing" | "succeeded" | "failed";
      /** @enum {string} */
      settlementType: "batch" | "individual";
      createdAt: string;
      updatedAt: string;
      result?: {
        success: boolean;
        transaction: string;
        network: string;
        settledAt: number;
      };
      error?: string;
      requestId: string;
      /** @enum {string} */
      state: "received" | "submitted" | "mined" | "final" | "rejected";
      transactionHash: string | null;
    };
    GatewayProblem: components["schemas"]["Problem"] & {
      /** @description The detail again, where gateways look for it */
      error: string;
    };
    RelayedHeartbeat: {
      /** @enum {boolean} */
      success: true;
      txHash: string | null;
      teeId: string;
      timestamp: string;
      relayer: string;
      contract: string;
      /** @enum {string} */
      state: "received" | "submitted" | "mined" | "final" | "rejected";
    };
    GatewayUsage: {
      totalRequests: number;
      daily: {
        day: string;
        requestCount: number;
      }[];
    };
    LookupAnswer: {
      data: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
