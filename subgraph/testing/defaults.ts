/** Events with made-up parameters, from the ABIs alone: whatever event there is can be emitted. */
import { id } from "ethers";
import { CONTRACTS, TEMPLATES } from "../contracts.ts";
import { eventsOf } from "../scripts/manifest.ts";
import type { Emitted, Params } from "./chain.ts";

interface Input {
  name: string;
  type: string;
  components?: Input[];
}

/** A value of a type: never zero where it can be something, and small where it may name a constant. */
function valueOf(input: Input, seed: string): unknown {
  const { type, components = [] } = input;
  if (type.endsWith("[]")) return [valueOf({ ...input, type: type.slice(0, -2) }, seed)];
  if (type.startsWith("tuple")) return Object.fromEntries(components.map((part) => [part.name, valueOf(part, seed)]));
  if (type === "address") return `0x${id(seed + input.name).slice(-40)}`;
  if (type === "bool") return true;
  if (type === "string") return `${seed} ${input.name}`;
  if (type === "bytes") return id(seed + input.name);
  if (type.startsWith("bytes")) return id(seed + input.name).slice(0, 2 + 2 * Number(type.slice("bytes".length)));
  // Numbers that name something are another one for each event.
  return /Id$|^epoch$/.test(input.name) ? BigInt(id(seed).slice(0, 8)) : 1n;
}

/** An event with made-up parameters, some of them given. */
export function madeUp(contract: string, event: string, given: Params = {}): Emitted {
  const found = eventsOf(contract).find(({ name }) => name === event);
  if (found === undefined) throw new Error(`${contract} has no event ${event}`);
  const params = Object.fromEntries(found.inputs.map((input) => [input.name, valueOf(input, `${contract}.${event}`)]));
  return { contract, event, params: { ...params, ...given } };
}

/** Every event that has a handler, by contract; templates apart. */
export function handledEvents(): { contract: string; event: string }[] {
  return CONTRACTS.flatMap(({ name, ignored = {} }) =>
    eventsOf(name)
      .filter((event) => ignored[event.name] === undefined)
      .map((event) => ({ contract: name, event: event.name })),
  );
}

/** The same of templates. */
export function templateEvents(): { contract: string; event: string }[] {
  return TEMPLATES.flatMap(({ name }) => eventsOf(name).map((event) => ({ contract: name, event: event.name })));
}
