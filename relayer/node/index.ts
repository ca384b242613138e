// SPDX-License-Identifier: MIT
export { progressLine, registerEnclave, type EnclaveRegistration, type KeyProgress } from "../attestation/enclave.ts";
export {
  fileJournal,
  RegistrationError,
  type Journal,
  type Progress as CertificateProgress,
} from "../attestation/registration.ts";
export { createRelayerClient, type ClientOptions, type RelayerClient, type Seal } from "./client.ts";
export type { Prover } from "./delivery.ts";
export { ChannelMismatch, ChannelOutOfOrder } from "./errors.ts";
export { RelayerProblem, RelayerUnavailable, RequestIdTaken, SealRefused } from "./errors.ts";
export { localKey, signKeyRegistration, type NodeKey } from "./keys.ts";
export { createNode, type Answer, type Ask, type InferenceNode, type NodeOptions, type Served } from "./node.ts";
export { openRequestStore, type Issued, type RequestStore } from "./request-store.ts";
