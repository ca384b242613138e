import { BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  ConsentWithdrawn,
  DataDeclared,
  Distrusted,
  FreezeRearmed,
  Frozen,
  LineageDeclared,
  ModelRegistered,
  SourceOffered,
  SourceRegistered,
  SourceTransferred,
  VerifierApproved,
  WithdrawalCancelled,
} from "../generated/ModelRegistry/ModelRegistry";
import {
  Model,
  ModelAncestor,
  ModelContributor,
  ModelParent,
  ModelSource,
  Source,
  SourceChange,
  Verifier,
} from "../generated/schema";
import { eventId, orphan, protocol, somebody, ZERO } from "./utils/common";
import { distrust, freeze, rearm, standingOf } from "./utils/people";

export function handleVerifierApproved(event: VerifierApproved): void {
  const verifier = new Verifier(event.params.verifier);
  verifier.approvedAt = event.block.timestamp;
  // The registry knows a verifier by its address as a word.
  const target = Bytes.fromHexString("0x000000000000000000000000").concat(event.params.verifier);
  verifier.standing = standingOf(event.address, target).id;
  verifier.save();
}

export function handleModelRegistered(event: ModelRegistered): void {
  const model = new Model(event.params.modelId);
  model.owner = event.params.owner;
  model.verifier = somebody(event.params.verifier);
  model.contentHash = event.params.contentHash;
  model.modes = event.params.modes;
  model.uri = event.params.uri;
  model.verifyingKeyHash = event.params.verifyingKeyHash;
  model.signals = event.params.signals;
  model.licence = "";
  model.depth = 0;
  model.royalty = 0;
  model.registeredAt = event.block.timestamp;
  model.standing = standingOf(event.address, event.params.modelId).id;
  model.credited = ZERO;
  model.held = ZERO;
  model.distributed = ZERO;
  model.opened = ZERO;
  model.save();
  const totals = protocol();
  totals.models = totals.models.plus(BigInt.fromI32(1));
  totals.save();
}

/** Everything that a version derives from, each once, by its shortest way. A version has at most 84 ways upwards. */
function keepAncestors(model: Model, parents: Bytes[]): void {
  const ids: Bytes[] = [];
  const generations: i32[] = [];
  for (let i = 0; i < parents.length; i++) {
    ids.push(parents[i]);
    generations.push(1);
  }
  for (let i = 0; i < parents.length; i++) {
    const parent = Model.load(parents[i]);
    if (parent == null) continue;
    const above = parent.ancestors.load();
    for (let k = 0; k < above.length; k++) {
      const at = ids.indexOf(above[k].ancestor);
      if (at < 0) {
        ids.push(above[k].ancestor);
        generations.push(above[k].generation + 1);
      } else if (generations[at] > above[k].generation + 1) generations[at] = above[k].generation + 1;
    }
  }
  for (let i = 0; i < ids.length; i++) {
    const row = new ModelAncestor(model.id.concat(ids[i]));
    row.model = model.id;
    row.ancestor = ids[i];
    row.generation = generations[i];
    row.save();
  }
}

export function handleLineageDeclared(event: LineageDeclared): void {
  const model = Model.load(event.params.modelId);
  if (model == null) return orphan(event, "model version of a lineage");
  model.depth = event.params.depth.toI32();
  model.royalty = event.params.royalty;
  model.save();
  const parents: Bytes[] = [];
  for (let i = 0; i < event.params.parents.length; i++) {
    const declared = event.params.parents[i];
    const row = new ModelParent(model.id.concat(declared.modelId));
    row.model = model.id;
    row.parent = declared.modelId;
    row.bps = declared.bps;
    row.save();
    parents.push(declared.modelId);
  }
  for (let i = 0; i < event.params.contributors.length; i++) {
    const declared = event.params.contributors[i];
    const row = new ModelContributor(model.id.concat(declared.account));
    row.model = model.id;
    row.account = declared.account;
    row.bps = declared.bps;
    row.save();
  }
  keepAncestors(model, parents);
}

export function handleDataDeclared(event: DataDeclared): void {
  const model = Model.load(event.params.modelId);
  if (model == null) return orphan(event, "model version of data");
  model.licence = event.params.licence;
  model.save();
  for (let i = 0; i < event.params.sources.length; i++) {
    const declared = event.params.sources[i];
    const row = new ModelSource(model.id.concat(declared.sourceId));
    row.model = model.id;
    row.source = declared.sourceId;
    row.required = declared.required;
    row.save();
  }
}

function record(event: ethereum.Event, source: Source, kind: string): void {
  source.save();
  const change = new SourceChange(eventId(event));
  change.source = source.id;
  change.kind = kind;
  change.owner = source.owner;
  change.pendingOwner = source.pendingOwner;
  change.withdrawnFrom = source.withdrawnFrom;
  change.at = event.block.timestamp;
  change.block = event.block.number;
  change.transaction = event.transaction.hash;
  change.save();
}

export function handleSourceRegistered(event: SourceRegistered): void {
  const source = new Source(event.params.sourceId);
  source.number = event.params.number;
  source.owner = event.params.owner;
  source.contentHash = event.params.contentHash;
  source.uri = event.params.uri;
  source.terms = event.params.terms;
  source.registeredAt = event.block.timestamp;
  record(event, source, "REGISTERED");
  const totals = protocol();
  totals.sources = totals.sources.plus(BigInt.fromI32(1));
  totals.save();
}

export function handleSourceOffered(event: SourceOffered): void {
  const source = Source.load(event.params.sourceId);
  if (source == null) return orphan(event, "source that is offered");
  source.pendingOwner = somebody(event.params.pendingOwner);
  record(event, source, "OFFERED");
}

export function handleSourceTransferred(event: SourceTransferred): void {
  const source = Source.load(event.params.sourceId);
  if (source == null) return orphan(event, "source that has another owner");
  source.owner = event.params.owner;
  source.pendingOwner = null;
  record(event, source, "TRANSFERRED");
}

export function handleConsentWithdrawn(event: ConsentWithdrawn): void {
  const source = Source.load(event.params.sourceId);
  if (source == null) return orphan(event, "source whose consent is withdrawn");
  source.withdrawnFrom = event.params.withdrawnFrom;
  record(event, source, "CONSENT_WITHDRAWN");
}

export function handleWithdrawalCancelled(event: WithdrawalCancelled): void {
  const source = Source.load(event.params.sourceId);
  if (source == null) return orphan(event, "source whose consent stays");
  source.withdrawnFrom = null;
  record(event, source, "WITHDRAWAL_CANCELLED");
}

export function handleDistrusted(event: Distrusted): void {
  distrust(event, event.params.target, event.params.from, event.params.by);
}

export function handleFrozen(event: Frozen): void {
  freeze(event, event.params.target, event.params.until);
}

export function handleFreezeRearmed(event: FreezeRearmed): void {
  rearm(event, event.params.target);
}
