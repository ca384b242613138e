import { account, event, word, type Scenario } from "../testing/scenario.ts";
import type { Check, Story } from "../testing/story.ts";

const NOBODY = `0x${"00".repeat(20)}`;

/** Model versions, where they come from, and the data they were made with. */
export const models: Story = {
  title: "models and data",
  write(story: Scenario): Check[] {
    const now = (contract: string, name: string, given: Record<string, unknown>): void => {
      story.emit(contract, name, given, 0);
    };
    story.send({ events: [] });
    now("ModelRegistry", "VerifierApproved", { verifier: account("verifier") });
    const target = `0x${"00".repeat(12)}${account("verifier").slice(2)}`;
    now("ModelRegistry", "Frozen", { target, until: 66 });
    now("ModelRegistry", "FreezeRearmed", { target });
    for (const name of ["grand", "parent", "other"])
      now("ModelRegistry", "ModelRegistered", {
        modelId: word(name),
        verifier: NOBODY,
        owner: account(name),
        modes: 1,
      });
    const lineage = (name: string, depth: number, royalty: number, parents: [string, number][]): void =>
      now("ModelRegistry", "LineageDeclared", {
        ...{ modelId: word(name), depth, royalty, parents: parents.map(([id, bps]) => [word(id), bps]) },
        contributors: name === "child" ? [[account("labeller"), 300]] : [],
      });
    lineage("parent", 1, 250, [["grand", 100]]);
    now("ModelRegistry", "SourceRegistered", {
      ...{
        sourceId: word("data"),
        owner: account("giver"),
        number: 1,
        contentHash: word("c"),
        uri: "ipfs://d",
        terms: "CC",
      },
    });
    // A version with everything, in one transaction; the grandparent by two ways.
    story.send(
      {
        events: [
          event("ModelRegistry", "ModelRegistered", {
            ...{ modelId: word("child"), owner: account("child"), verifier: account("verifier"), modes: 7 },
            ...{ uri: "ipfs://m", signals: "a, b", contentHash: word("m"), verifyingKeyHash: word("vk") },
          }),
          event("ModelRegistry", "DataDeclared", {
            ...{ modelId: word("child"), licence: "MIT", sources: [[word("data"), true]] },
          }),
        ],
      },
      0,
    );
    lineage("child", 2, 0, [
      ["parent", 250],
      ["grand", 50],
      ["other", 1],
    ]);
    lineage("other", 0, 5, []);
    now("ModelRegistry", "ModelRegistered", { modelId: word("leaf"), verifier: NOBODY, modes: 1 });
    lineage("leaf", 3, 0, [["child", 10]]);
    now("ModelRegistry", "SourceOffered", {
      sourceId: word("data"),
      owner: account("giver"),
      pendingOwner: account("next"),
    });
    now("ModelRegistry", "SourceTransferred", {
      ...{ sourceId: word("data"), previousOwner: account("giver"), owner: account("next") },
    });
    now("ModelRegistry", "ConsentWithdrawn", { sourceId: word("data"), owner: account("next"), withdrawnFrom: 500 });
    now("ModelRegistry", "WithdrawalCancelled", { sourceId: word("data"), owner: account("next") });
    now("ModelRegistry", "ConsentWithdrawn", { sourceId: word("data"), owner: account("next"), withdrawnFrom: 600 });
    now("ModelRegistry", "Distrusted", { target: word("child"), from: 20, by: account("admin") });

    return [
      {
        what: "keeps a model version with lineage, ancestors by their shortest way, and data",
        query: `{ model(id: "${word("child")}") { owner modes uri signals licence depth royalty verifier { id standing { frozenUntil } }
          standing { distrustedFrom } parents(orderBy: bps) { parent { id } bps } ancestors(orderBy: generation) { ancestor { id } generation }
          contributors { account bps } sources { required source { id withdrawnFrom } } } }`,
        expected: {
          model: {
            ...{
              owner: account("child"),
              modes: 7,
              uri: "ipfs://m",
              signals: "a, b",
              licence: "MIT",
              depth: 2,
              royalty: 0,
            },
            verifier: { id: account("verifier"), standing: { frozenUntil: "66" } },
            standing: { distrustedFrom: "20" },
            parents: [
              { parent: { id: word("other") }, bps: 1 },
              { parent: { id: word("grand") }, bps: 50 },
              { parent: { id: word("parent") }, bps: 250 },
            ],
            ancestors: ["grand", "parent", "other"]
              .map((name) => ({ ancestor: { id: word(name) }, generation: 1 }))
              .sort((a, b) => (word("child") + a.ancestor.id < word("child") + b.ancestor.id ? -1 : 1)),
            contributors: [{ account: account("labeller"), bps: 300 }],
            sources: [{ required: true, source: { id: word("data"), withdrawnFrom: "600" } }],
          },
          ...{},
        },
      },
      {
        what: "takes over the ancestors of a parent, one generation further up",
        query: `{ model(id: "${word("leaf")}") { depth ancestors { ancestor { id } generation } } }`,
        expected: {
          model: {
            depth: 3,
            ancestors: [
              { ancestor: { id: word("child") }, generation: 1 },
              ...["grand", "parent", "other"].map((name) => ({ ancestor: { id: word(name) }, generation: 2 })),
            ],
          },
        },
      },
      {
        what: "knows what derives from a version at any remove",
        query: `{ model(id: "${word("grand")}") { descendants(orderBy: generation) { generation } children(orderBy: bps) { model { id } bps } } }`,
        expected: {
          model: {
            descendants: [{ generation: 1 }, { generation: 1 }, { generation: 2 }],
            children: [
              { model: { id: word("child") }, bps: 50 },
              { model: { id: word("parent") }, bps: 100 },
            ],
          },
        },
      },
      {
        what: "keeps what happened to a source of data, consent included",
        query: `{ source(id: "${word("data")}") { number owner pendingOwner uri terms withdrawnFrom uses { model { id } }
          changes { kind owner withdrawnFrom } } }`,
        expected: {
          source: {
            ...{ number: "1", owner: account("next"), pendingOwner: null, uri: "ipfs://d", terms: "CC" },
            ...{ withdrawnFrom: "600", uses: [{ model: { id: word("child") } }] },
            changes: [
              { kind: "REGISTERED", owner: account("giver"), withdrawnFrom: null },
              { kind: "OFFERED", owner: account("giver"), withdrawnFrom: null },
              { kind: "TRANSFERRED", owner: account("next"), withdrawnFrom: null },
              { kind: "CONSENT_WITHDRAWN", owner: account("next"), withdrawnFrom: "500" },
              { kind: "CONSENT_WITHDRAWN", owner: account("next"), withdrawnFrom: "600" },
              { kind: "WITHDRAWAL_CANCELLED", owner: account("next"), withdrawnFrom: null },
            ],
          },
        },
      },
    ];
  },
};
