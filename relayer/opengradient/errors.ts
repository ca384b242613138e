// SPDX-License-Identifier: MIT
/** What the configuration names is not there, or belongs to another deployment: what is sent there would be lost. */
export class WrongContract extends Error {
  override readonly name = "WrongContract";
  readonly code = "wrong_contract";
  constructor(what: string, address: string, found: string) {
    super(`${address} is no ${what} of this registry (${found}); set opengradient.${what} to the deployed one`);
  }
}
