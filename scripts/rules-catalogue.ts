/** What there is to hold: the rules of docs/protocol.md, what went wrong for others, and the traps of Groth16. */
export interface Entry {
  id: string;
  says: string;
  /** Where the part that the rule speaks of does not exist yet: what brings it. */
  later?: string;
}

const rules: Entry[] = [
  {
    id: "R1",
    says: "No trusted relayer: anyone may settle, and nothing a caller chooses freely is stored or emitted as if verified.",
  },
  {
    id: "R2",
    says: "One bad item harms only itself, on chain and off; running out of gas inside an item reverts the whole call.",
  },
  { id: "R3", says: "Settled is a state that a contract can ask for, not an event." },
  {
    id: "R4",
    says: "Times: validity at completion, bounded delay and skew; distrust is compared with the time of settlement.",
  },
  { id: "R5", says: "One id shared by payment, answer and proof." },
  { id: "R6", says: "The whole answer is committed." },
  {
    id: "R7",
    says: "No payment without a verified receipt, and never more than was signed.",
  },
  { id: "R8", says: "Bounded powers: bounded loops, bounded pause and freeze, nothing that blocks an exit." },
  { id: "R9", says: "Effects once, keyed on receiptId or requestId, never on proof bytes or signatures." },
  { id: "R10", says: "Immutable contracts with a way out: pinned verifiers, one-way closing after notice." },
  { id: "R11", says: "Consumers choose the origin of inputs; any key with any input is refused." },
  { id: "R12", says: "Stake outlives its receipts: below the minimum, a node's keys end at once." },
];

const failures: Entry[] = [
  {
    id: "FM:memory-only-buffer",
    says: "Items held in process memory are lost at a stop: acknowledged means committed.",
  },
  {
    id: "FM:timeout-resettle",
    says: "A time-out is unknown: known hashes are looked up before acting, and the contract refuses repeats.",
  },
  { id: "FM:poison-item", says: "A malformed item is refused at the door or set aside; it blocks nobody." },
  { id: "FM:unchecked-evidence", says: "Evidence is verified off chain before batching and on chain at settlement." },
  {
    id: "FM:nonce-gap",
    says: "A nonce is assigned in the row that owns the transaction; the chain's pending nonce is the truth.",
  },
  { id: "FM:fixed-gas", says: "Fees are estimated and bumped under a ceiling; a stuck transaction is rebroadcast." },
  { id: "FM:false-settled", says: "Status says what is known: a reverted transaction has settled nothing." },
  { id: "FM:failed-send-landed", says: "All hashes of a nonce are kept; a mined one wins." },
  { id: "FM:nonce-misclassified", says: "Node errors are classified by message, with real texts." },
  { id: "FM:nonce-manager", says: "No nonce lives outside the database." },
  { id: "FM:supervised-loop", says: "A loop that fails is started again." },
  { id: "FM:out-of-funds", says: "An empty wallet parks and retries." },
  { id: "FM:reorg-off", says: "Final only after confirmations; a vanished transaction is resubmitted, by default." },
  { id: "FM:job-twice", says: "Jobs are idempotent: compare and set on the row." },
  { id: "FM:queue-wiped", says: "A sweep enqueues again from the database." },
  { id: "FM:redis-evicts", says: "A Redis that may evict keys is refused at the start." },
  { id: "FM:outage-not-found", says: "An RPC outage is unknown, never not found." },
  { id: "FM:x402", says: "x402: the token tells apart, in strings, the reasons that stock clients know." },
  {
    id: "FM:x402-no-code",
    says: "x402: contracts are looked for before they are offered; the token's Transfer log says paid, not a status.",
  },
  { id: "FM:x402-concurrent-settles", says: "x402: settlements that come at once all land." },
  {
    id: "FM:x402-duplicate",
    says: "x402: a payment is reserved before it is served; who comes second is refused, not told of the first one's success.",
  },
  { id: "FM:x402-other-resource", says: "x402: a payment that one resource holds is no good at another." },
  { id: "FM:x402-drained", says: "x402: a payer who drains the balance after verification is served nothing." },
  {
    id: "FM:x402-lost-reply",
    says: "x402: a time-out is unknown and releases nothing; a lost answer can be asked for.",
  },
  {
    id: "FM:x402-answer-shape",
    says: "x402: outcomes are answered with 200 in x402's words, as stock clients want them.",
  },
  {
    id: "FM:x402-late-limit",
    says: "x402: limits apply before the work, never to the settlement of what was verified.",
  },
  { id: "FM:root-from-caller", says: "Roots come from storage, never from the caller." },
  { id: "FM:validity-at-present", says: "A later disable or enable changes no earlier result." },
  { id: "FM:heartbeat-replay", says: "Heartbeats strictly grow." },
  { id: "FM:unbounded-loop", says: "Loops are bounded by constants." },
  { id: "FM:slashing-paused", says: "Slashing works while paused." },
  {
    id: "FM:consumer-revert",
    says: "A consumer's revert blocks no payment.",
  },
  { id: "FM:phase2-skipped", says: "Keys without a phase-2 contribution are refused." },
  { id: "FM:signal-range", says: "Signals outside the field are refused, on chain and off." },
  { id: "FM:malleable-proof", says: "Nothing is keyed on proof bytes." },
  { id: "FM:uncapped-fee", says: "Fees are capped, announced and pulled; trades can be bounded, refunds are exact." },
  { id: "FM:first-key-sniping", says: "A creator can take the first keys atomically." },
];

const traps: Entry[] = [
  { id: "ZK1", says: "A key without a phase-2 contribution forges anything: refused; phase 1 is pinned." },
  { id: "ZK2", says: "The challenge binds chain, contract, key, all proofs and all signals." },
  { id: "ZK3", says: "(−A, −B, C) verifies too: nothing is keyed on proof bytes." },
  { id: "ZK4", says: "Signals ≥ r and coordinates ≥ q are refused; bit widths come from proven bounds." },
  { id: "ZK5", says: "A malformed point costs the fixed price of the precompile only." },
  { id: "ZK6", says: "Poseidon inputs are chained with a tag and a length, and salted." },
  { id: "ZK7", says: "Proofs are checked in child processes, which are ended explicitly." },
  { id: "ZK8", says: "G2 coordinates are swapped in calldata." },
  { id: "ZK9", says: "Circuits compile at -O2 from the root, and rebuild to the recorded hashes." },
  { id: "ZK11", says: "Licences: what links snarkjs says so." },
];

export const catalogue: { title: string; entries: Entry[] }[] = [
  { title: "Rules of the protocol", entries: rules },
  { title: "What went wrong for others", entries: failures },
  { title: "Traps of the proof system", entries: traps },
];
