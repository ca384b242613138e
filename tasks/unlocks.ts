import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** `hardhat opg:unlocks`: the unlock calendar of OPG against the chain. Exit code 1 where the chain deviates. */
export const unlocks = task(
  "opg:unlocks",
  "Prints the unlock calendar of OPG against the chain; exits 1 if it deviates",
)
  .addOption({ name: "format", description: "table, json or csv", defaultValue: "table" })
  .addOption({ name: "vesting", description: "The OPGVesting to read; by default the deployed one", defaultValue: "" })
  .addOption({
    name: "vesters",
    description: "JSON file {token, fromBlock, graceDays, vesters} to read Transfer logs by, as in deploy/parameters",
    defaultValue: "",
  })
  .addOption({
    name: "fromBlock",
    description: "First block to look for releases in",
    type: ArgumentType.INT,
    defaultValue: 0,
  })
  .addOption({
    name: "chunk",
    description: "Most blocks to ask a node for at a time",
    type: ArgumentType.INT,
    defaultValue: 10_000,
  })
  .setAction(() => import("./unlocks/action.ts"))
  .build();
