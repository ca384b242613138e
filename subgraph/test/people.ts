import { account, join, nodeId, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;

/** Nodes, keys, enclaves, certificates, memory and gateways' answers. */
export const people: Story = {
  title: "nodes, keys and memory",
  write(story: Scenario): Check[] {
    const start = story.send({ events: [] });
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    const registry = story.addressOf("NodeRegistry");
    const { key } = join(story, 1, account("operator"), "key");
    now("NodeRegistry", "NodeUpdated", { nodeId: nodeId(1), status: 2, endpoint: "https://b" });
    now("NodeRegistry", "OfferChanged", { nodeId: nodeId(1), modelId: word("child"), modes: 5, capacity: 9 });
    now("NodeRegistry", "KeyRetired", { keyId: key, nodeId: nodeId(1), validUntil: 50 });
    now("NodeRegistry", "Distrusted", { target: key, from: 40, by: account("admin") });
    now("NodeRegistry", "Frozen", { target: key, until: 70 });
    const keyAt = story.now;

    now("EnclaveRegistry", "MeasurementKnown", { measurement: word("image"), target: nodeId(3) });
    const old = join(story, 2, account("operator"), "old", true).key;
    now("EnclaveRegistry", "EnclaveAdmitted", { keyId: old, nodeId: nodeId(2), measurement: word("image") });
    now("EnclaveRegistry", "KeyAdded", {
      keyId: word("new"),
      nodeId: nodeId(2),
      kind: 2,
      signer: NOBODY,
      validUntil: 99,
    });
    now("EnclaveRegistry", "EnclaveAdmitted", { keyId: word("new"), nodeId: nodeId(2), measurement: word("image") });
    now("EnclaveRegistry", "KeyHandedOver", { keyId: old, successor: word("new"), nodeId: nodeId(2), endsAt: 33 });
    now("EnclaveRegistry", "KeyRetired", { keyId: word("new"), nodeId: nodeId(2), validUntil: 44 });
    const approval = { measurement: word("image"), modelId: word("child") };
    now("EnclaveRegistry", "MeasurementApproved", { ...approval, from: 11 });
    now("EnclaveRegistry", "MeasurementApproved", { ...approval, modelId: word("answers"), from: 12 });
    now("EnclaveRegistry", "MeasurementWithdrawn", { ...approval, until: 21 });
    now("EnclaveRegistry", "Frozen", { target: nodeId(3), until: 90 });
    now("EnclaveRegistry", "FreezeRearmed", { target: nodeId(3) });
    now("EnclaveRegistry", "Distrusted", { target: nodeId(3), from: 80, by: account("admin") });
    now("NodeRegistry", "FreezeRearmed", { target: key });
    now("EnclaveHeartbeats", "Heartbeat", { keyId: old, timestamp: 8 });
    now("EnclaveHeartbeats", "Heartbeat", { keyId: old, timestamp: 9 });
    now("GatewayAnswers", "AnswerSettled", {
      ...{
        requestId: word("answer"),
        keyId: word("new"),
        requestHash: word("rq"),
        outputHash: word("out"),
        timestamp: 77,
      },
    });
    now("GatewayAnswers", "AnswerSkipped", { index: 3, reason: 27 });
    const skipped = story.lastId();

    now("NitroAttestation", "RootPinned", { fingerprint: word("root") });
    const root = { parent: `0x${"00".repeat(32)}`, role: 1, notBefore: 1, notAfter: 2 };
    now("NitroAttestation", "CertificateCached", { certificate: word("root cert"), ...root });
    const leaf = { certificate: word("leaf"), parent: word("root cert"), role: 3, notBefore: 3, notAfter: 4 };
    now("NitroAttestation", "CertificateCached", leaf);
    now("NitroAttestation", "Frozen", { target: word("leaf"), until: 60 });
    now("NitroAttestation", "FreezeRearmed", { target: word("leaf") });
    now("NitroAttestation", "Distrusted", { target: word("root cert"), from: 30, by: account("admin") });

    const memory = { memoryId: word("memory"), owner: account("user"), label: word("label") };
    const head = { ...memory, previous: word("p"), blobId: word("blob") };
    now("MemoryRegistry", "MemoryCommitted", { ...head, index: 0, root: word("h0"), count: 3 });
    now("MemoryRegistry", "MemoryCommitted", { ...head, index: 1, root: word("h1"), count: 8 });
    const grant = { memoryId: word("memory"), reader: account("reader"), until: 1_000 };
    const scope = [word("child"), nodeId(2), 1, 5];
    now("MemoryRegistry", "MemoryGranted", { ...grant, grantId: 258, scope });
    now("MemoryRegistry", "MemoryRevoked", { ...grant, grantId: 258, until: 700 });
    const end = story.now;

    return [
      {
        what: "keeps a node's state and offers",
        query: `{ node(id: "${nodeId(1)}") { operator { id } kind status endpoint registeredAt offers { model { id } modes capacity } } }`,
        expected: {
          node: {
            ...{ operator: { id: account("operator") }, kind: "LLM_PROXY", status: "PAUSED", endpoint: "https://b" },
            ...{
              registeredAt: String(start + 12),
              offers: [{ model: { id: word("child") }, modes: 5, capacity: "9" }],
            },
          },
        },
      },
      {
        what: "keeps a key's validity, its end, distrust and freeze",
        query: `{ signingKey(id: "${key}") { kind registry validFrom validUntil firstValidUntil retired
          standing { distrustedFrom frozenUntil freezeSpent changes { kind moment by } } changes { kind validUntil } } }`,
        expected: {
          signingKey: {
            ...{ kind: "OPERATOR", registry, validFrom: "5", validUntil: "50", firstValidUntil: "99", retired: true },
            standing: {
              ...{ distrustedFrom: "40", frozenUntil: "70", freezeSpent: false },
              changes: [
                { kind: "DISTRUSTED", moment: "40", by: account("admin") },
                { kind: "FROZEN", moment: "70", by: NOBODY },
                { kind: "REARMED", moment: null, by: NOBODY },
              ],
            },
            changes: [
              { kind: "ADDED", validUntil: "99" },
              { kind: "RETIRED", validUntil: "50" },
            ],
          },
        },
      },
      {
        what: "follows an enclave key to its successor, its image and its heartbeats",
        query: `{ signingKey(id: "${old}") { successor { id kind signer predecessor { id } validUntil } validUntil lastHeartbeat heartbeats
          measurement { id standing { distrustedFrom frozenUntil } } } operator(id: "${account("operator")}") { enclaveKeys gatewayAnswers }
          keyChanges(where: { kind: HANDED_OVER }) { validUntil } }`,
        expected: {
          signingKey: {
            successor: {
              id: word("new"),
              kind: "ENCLAVE_RSA",
              signer: null,
              predecessor: { id: old },
              validUntil: "44",
            },
            ...{ validUntil: "33", lastHeartbeat: "9", heartbeats: "2" },
            measurement: { id: word("image"), standing: { distrustedFrom: "80", frozenUntil: "90" } },
          },
          operator: { enclaveKeys: "2", gatewayAnswers: "1" },
          keyChanges: [{ validUntil: "33" }],
        },
      },
      {
        what: "keeps which image was approved for what, and until when",
        query: "{ measurementApprovals(orderBy: from) { model { id } modelId from until } }",
        expected: {
          measurementApprovals: [
            { model: { id: word("child") }, modelId: word("child"), from: "11", until: "21" },
            { model: null, modelId: word("answers"), from: "12", until: null },
          ],
        },
      },
      {
        what: "keeps gateways' answers apart from receipts",
        query: `{ gatewayAnswer(id: "${word("answer")}") { key { id } node { id gatewayAnswers } requestHash outputHash timestamp }
          skippedAnswer(id: "${skipped}") { index reason } protocol(id: "0x01") { gatewayAnswers skippedAnswers receipts orphans keys nodes } }`,
        expected: {
          gatewayAnswer: {
            ...{ key: { id: word("new") }, node: { id: nodeId(2), gatewayAnswers: "1" } },
            ...{ requestHash: word("rq"), outputHash: word("out"), timestamp: "77" },
          },
          skippedAnswer: { index: "3", reason: "AlreadySettled" },
          protocol: { gatewayAnswers: "1", skippedAnswers: "1", receipts: "0", orphans: "0", keys: "3", nodes: "2" },
        },
      },
      {
        what: "keeps the certificates of a chain and the root that is pinned",
        query: `{ certificate(id: "${word("leaf")}") { parent { id parent { id } standing { distrustedFrom } } role notBefore notAfter
          standing { frozenUntil freezeSpent } } rootPins { fingerprint } }`,
        expected: {
          certificate: {
            parent: { id: word("root cert"), parent: null, standing: { distrustedFrom: "30" } },
            ...{ role: "Enclave", notBefore: "3", notAfter: "4", standing: { frozenUntil: "60", freezeSpent: false } },
          },
          rootPins: [{ fingerprint: word("root") }],
        },
      },
      {
        what: "keeps a memory's heads and grants",
        query: `{ memory(id: "${word("memory")}") { owner label root count headCount heads(orderBy: index) { index root count }
          grants { grantId reader from until revoked modelId nodeId firstEntry endEntry } } }`,
        expected: {
          memory: {
            ...{ owner: account("user"), label: word("label"), root: word("h1"), count: "8", headCount: "2" },
            heads: [
              { index: "0", root: word("h0"), count: "3" },
              { index: "1", root: word("h1"), count: "8" },
            ],
            grants: [
              {
                ...{ grantId: "258", reader: account("reader"), from: String(end), until: "700", revoked: true },
                ...{ modelId: word("child"), nodeId: nodeId(2), firstEntry: "1", endEntry: "5" },
              },
            ],
          },
        },
      },
      {
        what: "dates a key's changes by their block",
        query: `{ keyChanges(where: { key: "${key}", kind: RETIRED }) { at } }`,
        expected: { keyChanges: [{ at: String(keyAt) }] },
      },
    ];
  },
};
