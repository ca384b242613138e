import { task } from "hardhat/config";

/** `hardhat opg:model ID`: a model version with its licence, data and lineage, and what consent stands. */
export const model = task("opg:model", "Prints a model version: licence, data sources and their consent, lineage")
  .addPositionalArgument({ name: "id", description: "The model version's id, 32 bytes in hex" })
  .addFlag({ name: "json", description: "JSON instead of text" })
  .addOption({
    name: "registry",
    description: "The ModelRegistry to read; by default the deployed one",
    defaultValue: "",
  })
  .setAction(() => import("./model/action.ts"))
  .build();
