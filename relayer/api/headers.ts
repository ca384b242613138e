// SPDX-License-Identifier: MIT
import { secureHeaders } from "hono/secure-headers";

/**
 * What is said with every answer to browsers, which have no business with an API but can be led to it: nothing here is a
 * page, a script or a frame, whatever it looks like. TLS and HSTS are the proxy's, which has the certificate.
 */
export const apiHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  xFrameOptions: "DENY",
  strictTransportSecurity: false,
});
