import { globSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { Contract, Interface, type FunctionFragment, type InterfaceAbi, type ParamType } from "ethers";
import { OPEN, POWERS } from "../../scripts/powers-catalogue.ts";
import { useWorld } from "../support/world.ts";

interface Artifact {
  contractName: string;
  abi: InterfaceAbi;
  bytecode: string;
}

/** Every contract that can be deployed, but what only stands on a development chain and what integrators write. */
function artifacts(): Artifact[] {
  return globSync("artifacts/contracts/**/*.json")
    .filter((file) => !/contracts\/(interfaces|development|consumer)\//.test(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as Artifact)
    .filter(({ bytecode }) => bytecode !== "0x");
}
const changing = (abi: InterfaceAbi): FunctionFragment[] =>
  Interface.from(abi).fragments.filter(
    (fragment): fragment is FunctionFragment =>
      fragment.type === "function" && !(fragment as FunctionFragment).constant,
  );

/** The emptiest value of a type: enough to get as far as a check of who calls. */
function nothing(type: ParamType): unknown {
  if (type.isArray()) return Array.from({ length: Math.max(type.arrayLength, 0) }, () => nothing(type.arrayChildren));
  if (type.isTuple()) return type.components.map(nothing);
  if (type.type === "string") return "";
  if (type.type === "bool") return false;
  if (type.type === "address") return "0x" + "00".repeat(20);
  if (type.type.startsWith("bytes")) return "0x" + "00".repeat(Number(type.type.slice(5) || 0));
  return 0n;
}

/** What contracts answer to somebody who lacks a role. */
const REFUSALS = [
  "Distrustable_NotAdmin",
  "Distrustable_NotGuardian",
  "InferenceRegistry_NotAllowed",
  "OPGGenesis_NotDeployer",
  "GovernorOnlyExecutor",
  "AccessControlUnauthorizedAccount",
  "FeeSplitter_NotAdmin",
  "TwinMarket_NotAdmin",
  "OPGStaking_NotAllowed",
];
/** What the others carry beside the caller. */
const SECOND: Record<string, string> = {
  AccessControlUnauthorizedAccount: ", bytes32 role",
  OPGStaking_NotAllowed: ", address expected",
};

/** Contracts of the deployment whose key there is not their name with a small first letter. */
const NAMES: Record<string, string> = {
  timelock: "OPGTimelock",
  governor: "OPGGovernor",
  genesis: "OPGGenesis",
  token: "OPGToken",
  vesting: "OPGVesting",
  staking: "OPGStaking",
  escrow: "InferenceEscrow",
};

describe("powers", () => {
  const world = useWorld();
  const everything = artifacts().flatMap(({ contractName, abi }) =>
    changing(abi).map((fragment) => ({ contractName, abi, fragment })),
  );
  const privileged = (contract: string, name: string) =>
    POWERS.some((power) => power.contract === contract && power.name === name);

  it("are all in the table, and the table names nothing that does not exist [R8]", () => {
    const listed = [
      ...POWERS.map(({ contract, name }) => `${contract}.${name}`),
      ...Object.entries(OPEN).flatMap(([contract, { anyone, own }]) =>
        [...anyone, ...own].map((name) => `${contract}.${name}`),
      ),
    ];
    expect(listed, "listed twice").to.have.length(new Set(listed).size);
    const exist = new Set(everything.map(({ contractName, fragment }) => `${contractName}.${fragment.name}`));
    expect(
      [...exist].filter((name) => !listed.includes(name)),
      "not in the table",
    ).to.deep.equal([]);
    expect(
      listed.filter((name) => !exist.has(name)),
      "in the table only",
    ).to.deep.equal([]);
  });

  it("refuse a stranger exactly where the table says that a role is needed [R8]", async () => {
    const w = world();
    const stranger = (await w.ethers.getSigners())[18]!;
    const errors = new Interface(REFUSALS.map((name) => `error ${name}(address caller${SECOND[name] ?? ""})`));
    const refusalIn = (data = "0x") => {
      const name = errors.parseError(data)?.name;
      return name !== undefined && REFUSALS.includes(name) ? name : undefined;
    };
    const wrong: string[] = [];
    let tried = 0;
    for (const [key, deployed] of Object.entries(w.contracts)) {
      const contractName = NAMES[key] ?? key[0]!.toUpperCase() + key.slice(1);
      const address = await deployed.getAddress();
      for (const { fragment, abi } of everything.filter((each) => each.contractName === contractName)) {
        const contract = new Contract(address, abi, stranger);
        const data = contract.interface.encodeFunctionData(fragment, fragment.inputs.map(nothing));
        const refusal = await stranger.call({ to: address, data }).then(
          () => undefined,
          (problem: { data?: string }) => refusalIn(problem.data),
        );
        tried++;
        if ((refusal !== undefined) !== privileged(contractName, fragment.name))
          wrong.push(`${contractName}.${fragment.format()}: ${refusal ?? "not refused"}`);
      }
    }
    expect(wrong).to.deep.equal([]);
    expect(tried).to.be.greaterThan(everything.length / 2);
  });
});
