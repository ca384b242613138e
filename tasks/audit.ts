import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** `hardhat opg:audit --from BLOCK --to BLOCK`: the books of the protocol, held against each other. */
export const audit = task(
  "opg:audit",
  "Holds payments, receipts, proofs, fees, unlocks, slashes and announcements against each other; exits 1 on a mismatch",
)
  .addOption({
    name: "from",
    description: "First block that is reported on",
    type: ArgumentType.INT,
    defaultValue: 0,
  })
  .addOption({
    name: "to",
    description: "Last block; -1 for the newest",
    type: ArgumentType.INT,
    defaultValue: -1,
  })
  .addOption({
    name: "start",
    description: "Block of the deployment: what stands in the range rests on what came before",
    type: ArgumentType.INT,
    defaultValue: 0,
  })
  .addOption({
    name: "leaves",
    description: "Published leaves: a relayer's folder, or a URL with {dataHash} in it",
    defaultValue: "",
  })
  .addOption({ name: "subgraph", description: "URL of an index that is held against the logs", defaultValue: "" })
  .addOption({
    name: "addresses",
    description: "JSON file of the protocol's addresses; by default Ignition's record of the deployment",
    defaultValue: "",
  })
  .addOption({ name: "format", description: "text, json or html", defaultValue: "text" })
  .addOption({ name: "output", description: "File to write to, instead of printing", defaultValue: "" })
  .addOption({
    name: "chunk",
    description: "Most blocks to ask a node for at a time",
    type: ArgumentType.INT,
    defaultValue: 10_000,
  })
  .setAction(() => import("./audit/action.ts"))
  .build();
