import { Address, BigInt, Bytes, ethereum } from "@graphprotocol/graph-ts";
import {
  AuthorizationCanceled,
  AuthorizationUsed,
  DelegateChanged,
  DelegateVotesChanged,
  Transfer,
} from "../generated/OPGToken/OPGToken";
import { Token, TokenAuthorization, TokenHolder } from "../generated/schema";
import { ONE, somebody, ZERO } from "./utils/common";

function tokenAt(address: Address): Token {
  let found = Token.load(ONE);
  if (found != null) return found;
  found = new Token(ONE);
  found.address = address;
  found.supply = ZERO;
  found.holders = ZERO;
  return found;
}

function holderOf(account: Bytes): TokenHolder {
  let found = TokenHolder.load(account);
  if (found != null) return found;
  found = new TokenHolder(account);
  found.balance = ZERO;
  found.votes = ZERO;
  return found;
}

export function handleTransfer(event: Transfer): void {
  const amount = event.params.value;
  const token = tokenAt(event.address);
  const one = BigInt.fromI32(1);
  const from = somebody(event.params.from);
  const to = somebody(event.params.to);
  if (from !== null) {
    const holder = holderOf(from);
    holder.balance = holder.balance.minus(amount);
    holder.save();
    if (holder.balance.isZero() && !amount.isZero()) token.holders = token.holders.minus(one);
  } else token.supply = token.supply.plus(amount);
  if (to !== null) {
    const holder = holderOf(to);
    if (holder.balance.isZero() && !amount.isZero()) token.holders = token.holders.plus(one);
    holder.balance = holder.balance.plus(amount);
    holder.save();
  } else token.supply = token.supply.minus(amount);
  token.save();
}

export function handleDelegateChanged(event: DelegateChanged): void {
  const holder = holderOf(event.params.delegator);
  holder.delegate = somebody(event.params.toDelegate);
  holder.save();
}

export function handleDelegateVotesChanged(event: DelegateVotesChanged): void {
  const holder = holderOf(event.params.delegate);
  holder.votes = event.params.newVotes;
  holder.save();
}

function authorization(event: ethereum.Event, authorizer: Bytes, nonce: Bytes, cancelled: boolean): void {
  const row = new TokenAuthorization(authorizer.concat(nonce));
  row.authorizer = authorizer;
  row.nonce = nonce;
  row.cancelled = cancelled;
  row.at = event.block.timestamp;
  row.block = event.block.number;
  row.transaction = event.transaction.hash;
  row.save();
}

export function handleAuthorizationUsed(event: AuthorizationUsed): void {
  authorization(event, event.params.authorizer, event.params.nonce, false);
}

export function handleAuthorizationCanceled(event: AuthorizationCanceled): void {
  authorization(event, event.params.authorizer, event.params.nonce, true);
}
