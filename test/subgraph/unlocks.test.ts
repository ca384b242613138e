import { expect } from "chai";
import hre from "hardhat";
import { dueAt, scheduledBy } from "../../subgraph/model/unlocks.ts";

const { ethers } = await hre.network.create();

describe("the subgraph's unlocks", () => {
  it("are the contract's calendar, month by month, beyond its end", async () => {
    const [somebody] = await ethers.getSigners();
    const token = await ethers.deployContract("DevelopmentToken", ["Plain", "PLAIN"]);
    const beneficiaries = Array.from({ length: 7 }, () => somebody?.address);
    const vesting = await ethers.deployContract("OPGVesting", [token, beneficiaries]);
    for (let month = 0; month <= 100; month++) {
      const [due, , cumulative] = await vesting.calendar(month);
      expect(Number(due)).to.equal(dueAt(month));
      for (let allocation = 0; allocation < 7; allocation++)
        expect(cumulative[allocation], `allocation ${allocation}, month ${month}`).to.equal(
          scheduledBy(allocation, month),
        );
    }
  });
});
