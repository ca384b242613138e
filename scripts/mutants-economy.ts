/** What of the economy and the key market is broken on purpose; see scripts/mutants.ts. */

/** File, text that occurs there once, what it becomes, and the test that must notice. */
export type Mutant = readonly [file: string, from: string, to: string, test: string];

const SPLITTER = "contracts/opg/FeeSplitter.sol";
const INBOX = "contracts/opg/FeeInbox.sol";
const LINEAGE = "contracts/registry/ModelLineage.sol";
const ACCOUNTS = "contracts/opg/EscrowAccounts.sol";
const CHANNELS = "contracts/opg/Channels.sol";
const ESCROW = "contracts/opg/InferenceEscrow.sol";
const TREE = "contracts/verification/MerkleTree.sol";
const POOLS = "contracts/staking/StakePools.sol";
const STREAM = "contracts/staking/RewardStream.sol";
const SHARES = "contracts/staking/SharePool.sol";
const UNBONDING = "contracts/staking/Unbonding.sol";
const STAKING = "contracts/staking/OPGStaking.sol";
const DISPUTES = "contracts/staking/Disputes.sol";
const TIMELOCK = "contracts/governance/OPGTimelock.sol";
const MARKET = "contracts/twin/TwinMarket.sol";
const TWIN_FEES = "contracts/twin/TwinFees.sol";
const TWINS = "contracts/twin/Twins.sol";

const fees = (name: string) => `test/fees/${name}.test.ts`;
const escrow = (name: string) => `test/escrow/${name}.test.ts`;
const staking = (name: string) => `test/staking/staking${name}.test.ts`;
const twin = (name: string) => `test/twin/${name}.test.ts`;
const lineage = "test/contracts/modelLineage.test.ts";
const disputes = "test/staking/disputes.test.ts";
const evidence = "test/staking/disputesEvidence.test.ts";

export const ECONOMY: Mutant[] = [
  [SPLITTER, "block.timestamp + RATE_NOTICE + FeeEpochs.LENGTH - 1", "block.timestamp + RATE_NOTICE", fees("rates")],
  [SPLITTER, "if (latest != epoch) revert", "if (latest < currentEpoch()) revert", fees("rates")],
  [SPLITTER, "rates.treasury > MAX_TREASURY_BPS", "rates.treasury > MAX_TREASURY_BPS + 1", fees("rates")],
  [SPLITTER, "if (epoch > currentEpoch()) revert", "if (epoch > currentEpoch() + 1) revert", fees("splitter")],
  [SPLITTER, "if (held != before + amount) revert", "if (held == before) revert", fees("hostile")],
  [
    SPLITTER,
    "forceApprove(address(staking), share)",
    "forceApprove(address(staking), type(uint256).max)",
    fees("hostile"),
  ],
  [SPLITTER, "credit[accounts[i]] = amount;", "", fees("hostile")],
  [SPLITTER, "modelBalance[modelId] = 0;", "", fees("splitter")],
  [INBOX, "if (amount == 0) revert FeeInbox_NothingToSweep();", "", fees("inbox")],
  [INBOX, "FeeEpochs.at(block.timestamp), amount", "0, amount", fees("inbox")],
  [LINEAGE, "bps < descent.royalty", "bps + 1 < descent.royalty", lineage],
  [LINEAGE, "descent.depth == MAX_DEPTH", "descent.depth > MAX_DEPTH", lineage],
  [LINEAGE, "shared > WHOLE", "shared > WHOLE + 1", lineage],

  [ACCOUNTS, "if (own.thawing > before) own.thawing = before;", "", escrow("balances")],
  [CHANNELS, "if (due > limit) due = limit;", "", escrow("channels")],
  [CHANNELS, "if (own.state != 0) revert InferenceEscrow_AlreadyOpened(id);", "", escrow("channels")],
  [CHANNELS, "state >> EPOCH_AT == top && ", "", escrow("collecting")],
  [CHANNELS, "own.settler = settler;", "", escrow("collecting")],
  [CHANNELS, "owed + amount <= MAX_OWED", "true", escrow("collecting")],
  [ESCROW, "_reservations[requestId].amount = 0;", "", escrow("reservations")],
  [ESCROW, "(msg.sender, counter), 1)", "(msg.sender, counter), 0)", escrow("reservations")],
  [TREE, "iszero(lt(place, next))", "1", "test/solidity/MerkleMultiproof.t.sol"],

  [POOLS, "found.own >= _minimum[kind].effective() && ", "", staking("Pools")],
  [POOLS, "_ownShare[kind].highest()", "_ownShare[kind].effective()", staking("Pools")],
  [POOLS, "found.commission.promote();", "", staking("Parameters")],
  [
    POOLS,
    "uint256 part = (fromOwn * found.own) / own;",
    "uint256 part = fromOwn < found.own ? fromOwn : found.own;",
    staking("Slash"),
  ],
  [POOLS, "flow.allocated -= uint96(amount);", "", staking("Rewards")],
  [STREAM, "if (flow.bonded < MIN_BONDED) {", "if (flow.bonded == 0) {", staking("Rewards")],
  [STREAM, "Math.saturatingSub(balance, held)", "balance - held", staking("Attacks")],
  [SHARES, "++pool.generation;", "", staking("Slash")],
  [UNBONDING, "maturesAt <= block.timestamp", "maturesAt < block.timestamp", staking("Pools")],
  [STAKING, "_endKeysIfShort(msg.sender, kind);", "", staking("Slash")],
  [STAKING, "_endKeysIfShort(operator, kind);", "", staking("Slash")],
  [STAKING, "enclaves.endKeysForStake(live[i]);", "", staking("Slash")],
  [STAKING, "if (got != amount) revert OPGStaking_TokenTookFee(amount, got);", "", staking("Attacks")],
  [DISPUTES, "earlier.sequence == 0 || ", "", disputes],
  [DISPUTES, "earlier.cumulativeFee <= later.cumulativeFee", "earlier.cumulativeFee < later.cumulativeFee", disputes],
  [DISPUTES, "if (receipt.mode != batch.mode) return (Flaw.ModeMismatch, receiptId, 0);", "", evidence],
  [TIMELOCK, "revert OPGTimelock_DelayIsFixed(getMinDelay());", "", "test/opg/governor.test.ts"],

  [MARKET, "quote.total < minPayout", "quote.price < minPayout", twin("trading")],
  [MARKET, "if (amount > held) revert TwinMarket_NotEnoughShares(held, amount);", "", twin("trading")],
  [MARKET, "quote.total > maxCost", "quote.price > maxCost", twin("batches")],
  [MARKET, "orders == 0 || orders > MAX_BATCH", "orders == 0", twin("batches")],
  [
    MARKET,
    "block.timestamp < book.openingEndsAt && held",
    "block.timestamp <= book.openingEndsAt && held",
    twin("opening"),
  ],
  [MARKET, "feesOwed[msg.sender] = 0;", "", twin("ownership")],
  [TWIN_FEES, "block.timestamp + FEE_NOTICE;", "block.timestamp + FEE_NOTICE - 1;", twin("fees")],
  [TWIN_FEES, "timestamp >= effectiveAt", "timestamp > effectiveAt", twin("fees")],
  [TWIN_FEES, "percent > cap", "percent > cap + 1", twin("fees")],
  [TWINS, "if (account == address(0)) return false;", "", twin("ownership")],
];
