/** Who may call what: every function of every contract that changes state. `scripts/powers.ts` writes docs/powers.md. */

/** A function that only a fixed role may call. */
export interface Power {
  contract: string;
  /** Name in the ABI; overloads share an entry. */
  name: string;
  holder: string;
  /** The most it can do, held by code. */
  bound: string;
  delay: string;
  /** What somebody with the holder's key could do with it. */
  stolen: string;
}

/** One governance cycle: a day until the vote, four days of it, two in the timelock. */
const VOTE = "a vote: 1 d + 4 d, then 2 d in the timelock";
const NONE = "none";
const TIMELOCK = "timelock";
const GUARDIAN = "guardian";
const WON = "nobody holds the timelock's key: this takes a won vote";

function distrustable(contract: string, targets: string): Power[] {
  return [
    {
      contract,
      name: "distrust",
      holder: TIMELOCK,
      bound: `${targets}; from a moment that has been; only ever earlier, never lifted; moves no money`,
      delay: VOTE,
      stolen: `${WON}. It could void receipts for consumers and fees not yet collected, and pay nobody`,
    },
    {
      contract,
      name: "freeze",
      holder: GUARDIAN,
      bound: `one of ${targets} for 10 d, once until governance rearms; lifts itself`,
      delay: NONE,
      stolen: "everything registered reads as unverified for 10 d, each thing once; nothing is lost",
    },
    {
      contract,
      name: "rearmFreeze",
      holder: TIMELOCK,
      bound: "lets the guardian freeze one thing once more",
      delay: VOTE,
      stolen: WON,
    },
  ];
}

export const POWERS: Power[] = [
  {
    contract: "InferenceRegistry",
    name: "pause",
    holder: GUARDIAN,
    bound: "new settlement for 1 d, again only 7 d after; reading, paying, slashing and leaving go on",
    delay: NONE,
    stolen: "delays settlement one day in eight; no receipt younger than 2 d expires by it",
  },
  {
    contract: "InferenceRegistry",
    name: "resume",
    holder: "guardian or timelock",
    bound: "ends a pause",
    delay: NONE,
    stolen: "ends a pause that was needed",
  },
  {
    contract: "InferenceRegistry",
    name: "announceClosing",
    holder: TIMELOCK,
    bound: "ends settlement here, one-way, after 4 d of notice; reading, paying, slashing and leaving go on",
    delay: `${VOTE}, then 4 d`,
    stolen: `${WON}. Settlement would need a new registry`,
  },
  ...distrustable("NodeRegistry", "operator keys"),
  ...distrustable("EnclaveRegistry", "enclave keys and measurements"),
  {
    contract: "EnclaveRegistry",
    name: "approveMeasurement",
    holder: TIMELOCK,
    bound: "an enclave image for one model version, or for gateway answers, from now on; once",
    delay: VOTE,
    stolen: `${WON}. A lying image would read as TEE evidence for that version, or its answers as a gateway's`,
  },
  {
    contract: "EnclaveRegistry",
    name: "withdrawMeasurement",
    holder: TIMELOCK,
    bound: "from now on; what was completed before stays",
    delay: VOTE,
    stolen: `${WON}. TEE answers of that image would stop being verified`,
  },
  ...distrustable("NitroAttestation", "certificates of enclaves and of those that signed them"),
  {
    contract: "NitroAttestation",
    name: "pinRoot",
    holder: TIMELOCK,
    bound: "another root, for documents that are shown afterwards; keys that were admitted stay",
    delay: VOTE,
    stolen: `${WON}. A false root could admit enclaves that are none`,
  },
  ...distrustable("ModelRegistry", "model versions and proof verifiers"),
  {
    contract: "ModelRegistry",
    name: "approveVerifier",
    holder: TIMELOCK,
    bound: "a proof verifier for versions registered afterwards; old versions keep theirs for ever",
    delay: VOTE,
    stolen: `${WON}. New versions could name a verifier that accepts lies`,
  },
  {
    contract: "OPGStaking",
    name: "setMinimum",
    holder: TIMELOCK,
    bound: "least own stake of a kind, 1 to 1,000,000 OPG; takes nothing from anybody",
    delay: `${VOTE}, then 4 d where it rises`,
    stolen: `${WON}. Keys of operators with less would end after the notice`,
  },
  {
    contract: "OPGStaking",
    name: "setOwnShare",
    holder: TIMELOCK,
    bound: "least own part of a pool, 1 to 50 %; takes nothing from anybody",
    delay: `${VOTE}, then 4 d where it rises`,
    stolen: `${WON}. Keys of operators with less would end after the notice`,
  },
  {
    contract: "OPGStaking",
    name: "slash",
    holder: "Disputes",
    bound: "at most 10 % of one pool a fault, and Disputes asks for at most 5 %; needs two signatures of the key",
    delay: NONE,
    stolen: "a contract without a key",
  },
  {
    contract: "OPGStaking",
    name: "wire",
    holder: "deployer, once",
    bound: "names registries, disputes and vesting, before anybody can stake",
    delay: NONE,
    stolen: "before: other partners, to be seen by anyone before anything is staked; afterwards nothing",
  },
  {
    contract: "FeeSplitter",
    name: "announceRates",
    holder: TIMELOCK,
    bound: "shares that make 100 %; treasury at most 10 %, stakers 15 %, model 20 %, settler 2 %",
    delay: `${VOTE}, then the next epoch (28 d) that starts at least 4 d later`,
    stolen: `${WON}. Nodes would get at least 53 % of fees that settle from that epoch on`,
  },
  {
    contract: "FeeSplitter",
    name: "withdrawRates",
    holder: TIMELOCK,
    bound: "takes back what was announced and is not final",
    delay: VOTE,
    stolen: WON,
  },
  ...["setProtocolFeePercent", "setSubjectFeePercent"].map((name) => ({
    contract: "TwinMarket",
    name,
    holder: TIMELOCK,
    bound: "at most 5 % each; touches no reserve and no sale",
    delay: `${VOTE}, then 48 h where it rises`,
    stolen: `${WON}. It could announce up to 10 % in all; holders can leave at the old fee`,
  })),
  {
    contract: "TwinMarket",
    name: "withdrawFeeIncrease",
    holder: TIMELOCK,
    bound: "takes back what was announced",
    delay: VOTE,
    stolen: WON,
  },
  {
    contract: "OPGGenesis",
    name: "launch",
    holder: "deployer, once",
    bound: "names the beneficiaries of the unlocks, when the token is made",
    delay: NONE,
    stolen:
      "before launch: other beneficiaries, to be seen by anyone before the token is worth anything; afterwards nothing",
  },
  ...["setVotingDelay", "setVotingPeriod", "setProposalThreshold", "updateQuorumNumerator"].map((name) => ({
    contract: "OPGGovernor",
    name,
    holder: TIMELOCK,
    bound: "delay and period at most 8 d together, threshold at most 10,000,000 OPG, quorum at most 20 %",
    delay: VOTE,
    stolen: `${WON}. Voting could be made shorter`,
  })),
  {
    contract: "OPGGovernor",
    name: "updateTimelock",
    holder: TIMELOCK,
    bound: "another timelock for this governor; every other contract keeps the old one as its admin",
    delay: VOTE,
    stolen: `${WON}. The governor would lose its powers over everything else`,
  },
  {
    contract: "OPGGovernor",
    name: "relay",
    holder: TIMELOCK,
    bound: "calls in the governor's own name, which holds nothing",
    delay: VOTE,
    stolen: WON,
  },
  {
    contract: "OPGTimelock",
    name: "schedule",
    holder: "governor",
    bound: "what a vote passed, after the delay",
    delay: VOTE,
    stolen: "a contract without a key",
  },
  {
    contract: "OPGTimelock",
    name: "scheduleBatch",
    holder: "governor",
    bound: "what a vote passed, after the delay",
    delay: VOTE,
    stolen: "a contract without a key",
  },
  {
    contract: "OPGTimelock",
    name: "cancel",
    holder: "governor",
    bound: "what is queued and not executed",
    delay: NONE,
    stolen: "a contract without a key",
  },
  ...["grantRole", "revokeRole"].map((name) => ({
    contract: "OPGTimelock",
    name,
    holder: TIMELOCK,
    bound: "roles in the timelock itself",
    delay: VOTE,
    stolen: `${WON}. It could hand the timelock to an account`,
  })),
];

/** Everything else: what anyone may call, mostly over what is the caller's own. Contract → functions. */
export const OPEN: Record<string, { anyone: string[]; own: string[] }> = {
  InferenceRegistry: { anyone: ["settleBatches", "settleProvedBatches", "settleReceipts"], own: [] },
  NodeRegistry: {
    anyone: ["registerNode", "clearOffer", "endKeysForStake"],
    own: ["addOperatorKey", "distrustOwnKey", "retireKey", "setOffer", "updateNode"],
  },
  EnclaveRegistry: { anyone: ["endKeysForStake"], own: ["admit", "distrustOwnKey", "retireKey", "rotateKey"] },
  EnclaveHeartbeats: { anyone: ["heartbeat"], own: [] },
  GatewayAnswers: { anyone: ["settleAnswers", "settleIndividual"], own: [] },
  ModelRegistry: {
    anyone: ["register", "registerSource"],
    own: ["offerSource", "acceptSource", "withdrawConsent", "cancelWithdrawal"],
  },
  MemoryRegistry: { anyone: [], own: ["commit", "grant", "revoke"] },
  OPGToken: {
    anyone: ["permit", "delegateBySig", "transferWithAuthorization", "receiveWithAuthorization", "cancelAuthorization"],
    own: ["approve", "transfer", "transferFrom", "delegate"],
  },
  OPGVotes: {
    anyone: ["permit", "delegateBySig"],
    own: ["approve", "transfer", "transferFrom", "delegate", "depositFor", "withdrawTo"],
  },
  OPGVesting: { anyone: ["release"], own: [] },
  OPGStaking: {
    anyone: [
      "stake",
      "stakeWithPermit",
      "addRewards",
      "compound",
      "sync",
      "claim",
      "withdraw",
      "withdrawStake",
      "endKeys",
    ],
    own: ["createPool", "setCommission", "unbond", "delegate", "delegateWithPermit", "undelegate"],
  },
  Disputes: { anyone: ["reportEquivocation", "reportChannelFault", "reportForeignLeaf"], own: [] },
  InferenceEscrow: {
    anyone: [
      "deposit",
      "depositWithPermit",
      "depositWithAuthorization",
      "openChannelBySignature",
      "collect",
      "collectBatch",
      "collectReserved",
      "forward",
      "release",
      "returnReservation",
    ],
    own: ["openChannel", "withdrawSigner", "thaw", "withdraw", "approveReserver", "reserve", "returnOwnReservation"],
  },
  InferenceRequests: {
    anyone: ["request", "requestWithInput", "deposit", "fulfil", "timeOut", "claim", "forward"],
    own: ["cancel", "retryCallback", "accept", "excuse", "setAgent"],
  },
  FeeSplitter: { anyone: ["pay", "distributeModel", "claim", "claimMany"], own: [] },
  FeeInboxes: { anyone: ["create", "sweep"], own: [] },
  FeeInbox: { anyone: ["sweep"], own: [] },
  NitroAttestation: { anyone: ["cacheRoot", "cacheCertificate"], own: [] },
  TwinMarket: {
    anyone: ["createDigitalTwin", "buyShares", "buySharesBatch", "claimSubjectFees", "claimProtocolFees"],
    own: ["sellShares", "sellSharesBatch", "claimOwnership", "cancelConsents", "claimOwedFees"],
  },
  TwinAgents: { anyone: [], own: ["link", "confirm", "unlink"] },
  OPGGovernor: {
    anyone: [
      "propose",
      "queue",
      "execute",
      "castVoteBySig",
      "castVoteWithReasonAndParamsBySig",
      "onERC721Received",
      "onERC1155Received",
      "onERC1155BatchReceived",
    ],
    own: ["cancel", "castVote", "castVoteWithReason", "castVoteWithReasonAndParams"],
  },
  OPGTimelock: {
    anyone: ["execute", "executeBatch", "onERC721Received", "onERC1155Received", "onERC1155BatchReceived"],
    own: ["renounceRole"],
  },
};
