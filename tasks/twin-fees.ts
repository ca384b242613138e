import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** `hardhat twin:fees`: what trades on the key market cost, now and after an announced increase. */
export const twinFees = task("twin:fees", "Prints the key market's fees, and warns of announced increases")
  .addFlag({ name: "watch", description: "Go on until Ctrl-C, and tell every change" })
  .addOption({ name: "market", description: "The TwinMarket to read; by default the deployed one", defaultValue: "" })
  .addOption({
    name: "format",
    description: "text or json; json is one object a line with --watch",
    defaultValue: "text",
  })
  .addOption({
    name: "interval",
    description: "Seconds between looks at the chain with --watch",
    type: ArgumentType.FLOAT,
    defaultValue: 4,
  })
  .addFlag({
    name: "failOnIncrease",
    description: "Exit code 2 where an increase is announced; with --watch as soon as one is",
  })
  .setAction(() => import("./twin-fees/action.ts"))
  .build();
