// SPDX-License-Identifier: MIT
import { settlementSuite } from "./support/settlement-suite.ts";

settlementSuite("relayer on the real contracts");
