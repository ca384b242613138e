import { Contract, type Provider, ZeroAddress, id } from "ethers";

/** Largest contract code an EVM chain takes (EIP-170). */
const MAX_CODE_BYTES = 24_576;

const abi = [
  "function admin() view returns (address)",
  "function guardian() view returns (address)",
  "function hasRole(bytes32, address) view returns (bool)",
  "function timelock() view returns (address)",
  "function nodes() view returns (address)",
  "function enclaves() view returns (address)",
  "function disputes() view returns (address)",
  "function enclaveRegistry() view returns (address)",
  "function inferenceRegistry() view returns (address)",
  "function vesting() view returns (address)",
  "function nodeRegistry() view returns (address)",
  "function feeSplitter() view returns (address)",
  "function load() view returns (address)",
  "function balanceOf(address) view returns (uint256)",
  "function beneficiary(uint8) view returns (address)",
  "function totalSupply() view returns (uint256)",
  "function nodeRegistry() view returns (address)",
  "function enclaveRegistry() view returns (address)",
  "function modelRegistry() view returns (address)",
];
const ROLES = {
  DEFAULT_ADMIN_ROLE: "0x" + "00".repeat(32),
  PROPOSER_ROLE: id("PROPOSER_ROLE"),
  EXECUTOR_ROLE: id("EXECUTOR_ROLE"),
  CANCELLER_ROLE: id("CANCELLER_ROLE"),
};
/** Contracts with an admin. */
const GOVERNED = [
  "inferenceRegistry",
  "modelRegistry",
  "nodeRegistry",
  "enclaveRegistry",
  "attestationVerifier",
  "staking",
  "feeSplitter",
  "twinMarket",
];
/** Contracts that a guardian may pause or freeze things of. */
const GUARDED = ["inferenceRegistry", "modelRegistry", "nodeRegistry", "enclaveRegistry", "attestationVerifier"];
const STAKING_REWARDS = 4;

/**
 * What must be true of a deployment before anyone relies on it: code small enough, every contract under the governor's
 * timelock, the one-time steps done, no role and no token left with the deployer.
 *
 * @param addresses Contract name → address, as `deployments/<chainId>.json` has them.
 */
export async function checkDeployment(provider: Provider, addresses: Record<string, string>, deployer: string) {
  const checks: { what: string; ok: boolean }[] = [];
  const check = (what: string, ok: boolean) => checks.push({ what, ok });
  const address = (name: string): string => {
    const found = addresses[name];
    if (found === undefined) throw new Error(`The deployment has no ${name}.`);
    return found;
  };
  const ask = (name: string, call: string, ...args: unknown[]) =>
    new Contract(address(name), abi, provider).getFunction(call)(...args);

  for (const [name, at] of Object.entries(addresses)) {
    const size = ((await provider.getCode(at)).length - 2) / 2;
    check(`${name} at ${at}: ${size} of ${MAX_CODE_BYTES} bytes`, size > 0 && size <= MAX_CODE_BYTES);
  }

  const timelock = address("timelock");
  check("the timelock is the governor's", (await ask("governor", "timelock")) === timelock);
  check("the governor may propose", await ask("timelock", "hasRole", ROLES.PROPOSER_ROLE, address("governor")));
  check("anyone may execute", await ask("timelock", "hasRole", ROLES.EXECUTOR_ROLE, ZeroAddress));
  for (const [role, hash] of Object.entries(ROLES))
    check(`the deployer does not hold ${role}`, !(await ask("timelock", "hasRole", hash, deployer)));
  for (const name of GOVERNED) check(`${name} answers to the timelock`, (await ask(name, "admin")) === timelock);
  for (const name of GUARDED)
    check(`the deployer is not the guardian of ${name}`, (await ask(name, "guardian")) !== deployer);

  for (const name of ["gatewayAnswers", "enclaveHeartbeats"])
    check(`${name} asks this enclave registry`, (await ask(name, "enclaveRegistry")) === address("enclaveRegistry"));
  check(
    "gatewayAnswers pauses and closes with this registry",
    (await ask("gatewayAnswers", "inferenceRegistry")) === address("inferenceRegistry"),
  );

  // What the deployer may do once is done.
  const wired = { nodes: "nodeRegistry", enclaves: "enclaveRegistry", disputes: "disputes" };
  for (const [role, name] of Object.entries(wired))
    check(`staking works with ${name}`, (await ask("staking", role)) === address(name));
  for (const role of ["nodeRegistry", "enclaveRegistry", "modelRegistry"])
    check(`nodes are matched by ${role}`, (await ask("nodeMatch", role)) === address(role));
  check(
    "memory grants are held against nodeRegistry",
    (await ask("memoryRegistry", "nodes")) === address("nodeRegistry"),
  );
  check(
    "memory grants are held against enclaveRegistry",
    (await ask("memoryRegistry", "enclaves")) === address("enclaveRegistry"),
  );
  check("on-chain requests count as a node's load", (await ask("nodeMatch", "load")) === address("inferenceRequests"));
  for (const part of ["inferenceRegistry", "nodeRegistry", "enclaveRegistry", "feeSplitter"])
    check(`requests on chain work with ${part}`, (await ask("inferenceRequests", part)) === address(part));
  if (addresses["genesis"] !== undefined) {
    const vesting = address("vesting");
    check("the supply went into the unlock schedule", (await ask("genesis", "vesting")) === vesting);
    check("all of it", (await ask("token", "balanceOf", vesting)) === (await ask("token", "totalSupply")));
    check(
      "staking rewards go to staking",
      (await ask("vesting", "beneficiary", STAKING_REWARDS)) === address("staking"),
    );
    check("staking releases them", (await ask("staking", "vesting")) === vesting);
    check("the deployer holds no OPG", (await ask("token", "balanceOf", deployer)) === 0n);
  }
  return checks;
}
