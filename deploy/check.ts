import { Contract, type Provider, id } from "ethers";

/** Largest contract code an EVM chain takes (EIP-170). */
const MAX_CODE_BYTES = 24_576;

const ownedAbi = ["function admin() view returns (address)"];
const timelockAbi = ["function hasRole(bytes32, address) view returns (bool)"];
const ROLES = {
  DEFAULT_ADMIN_ROLE: "0x" + "00".repeat(32),
  PROPOSER_ROLE: id("PROPOSER_ROLE"),
  EXECUTOR_ROLE: id("EXECUTOR_ROLE"),
  CANCELLER_ROLE: id("CANCELLER_ROLE"),
};

/**
 * What must be true of a deployment before anyone relies on it: code small enough, every registry under the timelock,
 * no role left with the deployer.
 *
 * @param addresses Contract name → address, as `deployments/<chainId>.json` has them.
 */
export async function checkDeployment(provider: Provider, addresses: Record<string, string>, deployer: string) {
  const checks: { what: string; ok: boolean }[] = [];
  for (const [name, address] of Object.entries(addresses)) {
    const size = ((await provider.getCode(address)).length - 2) / 2;
    checks.push({
      what: `${name} at ${address}: ${size} of ${MAX_CODE_BYTES} bytes`,
      ok: size > 0 && size <= MAX_CODE_BYTES,
    });
  }
  const { timelock } = addresses;
  if (timelock === undefined) throw new Error("The deployment has no timelock.");
  for (const name of ["inferenceRegistry", "modelRegistry", "nodeRegistry", "enclaveRegistry"]) {
    const admin: string = await new Contract(addresses[name]!, ownedAbi, provider).getFunction("admin")();
    checks.push({ what: `${name} answers to the timelock`, ok: admin === timelock });
  }
  for (const [role, hash] of Object.entries(ROLES)) {
    const held: boolean = await new Contract(timelock, timelockAbi, provider).getFunction("hasRole")(hash, deployer);
    checks.push({ what: `the deployer does not hold ${role}`, ok: !held });
  }
  return checks;
}
