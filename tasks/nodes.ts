import { task } from "hardhat/config";

/** `hardhat opg:nodes`: who can serve a model version in a mode now. Exit code 1 where nobody can. */
export const nodes = task("opg:nodes", "Prints which nodes can serve a model version now, or why none can")
  .addOption({ name: "model", description: "The model version's id, 32 bytes as hex", defaultValue: "" })
  .addOption({ name: "mode", description: "VANILLA, ZKML or TEE", defaultValue: "VANILLA" })
  .addOption({ name: "matcher", description: "The NodeMatch to ask; by default the deployed one", defaultValue: "" })
  .addFlag({ name: "json", description: "One JSON object in place of a table" })
  .setAction(() => import("./nodes/action.ts"))
  .build();
