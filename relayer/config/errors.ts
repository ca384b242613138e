// SPDX-License-Identifier: MIT
/** The configuration cannot be used. `code` is stable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: "config_unreadable" | "config_invalid" | "config_key_missing" | "config_key_unusable";
  constructor(code: ConfigError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
