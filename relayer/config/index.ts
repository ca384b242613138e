// SPDX-License-Identifier: MIT
export { configKeys, describeConfig, type ConfigKey } from "./describe.ts";
export { ConfigError } from "./errors.ts";
export { dashboardPassword, keystoreWarning, loadSigner } from "./keys.ts";
export { ENVIRONMENT, loadConfig, parseConfig, type Environment } from "./load.ts";
export { configSchema, type Config, type ConfigInput, type X402Config } from "./schema.ts";
