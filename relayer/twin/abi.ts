// SPDX-License-Identifier: MIT
import { Interface } from "ethers";

// Written out for the same reason as chain/abi.ts, and held against the compiled contract by a test.
const FEE_STATE = "(uint256 present,uint256 pending,uint256 effectiveAt)";

export const twinMarket = new Interface([
  `function fees() view returns (${FEE_STATE} protocol,${FEE_STATE} subject)`,
  "function MAX_PROTOCOL_FEE_PERCENT() view returns (uint256)",
  "function MAX_SUBJECT_FEE_PERCENT() view returns (uint256)",
  "function FEE_NOTICE() view returns (uint256)",
  "event FeeIncreaseAnnounced(uint8 indexed fee,uint256 present,uint256 announced,uint256 effectiveAt)",
  "event FeeIncreaseWithdrawn(uint8 indexed fee,uint256 present,uint256 withdrawn)",
  "event FeeChanged(uint8 indexed fee,uint256 previous,uint256 present)",
]);
