import { task } from "hardhat/config";

/** `hardhat opg:policy ADDRESS`: what a consumer acts on, function by function, and what is thereby trusted. */
export const policy = task(
  "opg:policy",
  "Prints which evidence each state-changing function of a consumer acts on, and what is thereby trusted",
)
  .addPositionalArgument({ name: "address", description: "The consumer's address" })
  .addOption({
    name: "contract",
    description: "Name of its contract; by default the one among the artifacts that its code is of",
    defaultValue: "",
  })
  .addFlag({ name: "json", description: "For machines" })
  .addFlag({
    name: "strict",
    description: "Exit code 1 where a state-changing function states nothing, or a statement is unsound",
  })
  .setAction(() => import("./policy/action.ts"))
  .build();
