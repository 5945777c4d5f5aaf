// biome-ignore-all lint/complexity/noArguments: forwarding `arguments` costs less than a rest parameter
type Callable = (this: unknown, ...args: never[]) => unknown;

/** Told of each call before it is made, and by what it returns, if that is something, of the result. Must not throw. */
// biome-ignore lint/suspicious/noConfusingVoidType: most return nothing
export type OnCall = (self: unknown, args: readonly unknown[]) => void | ((result: object) => void);

/**
 * Puts `onCall` before a function. Name, length, properties and attributes stay; where there is no such function, or it
 * cannot be replaced, nothing happens.
 */
export function patch(owner: object, key: string, onCall: OnCall): void {
  const place = Object.getOwnPropertyDescriptor(owner, key);
  const original: unknown = (owner as Record<string, unknown>)[key];
  if (typeof original !== "function" || (place && !place.configurable && !place.writable)) return;
  const patched = forward(original as Callable, onCall);
  copyProperties(original, patched);
  const attributes = place ?? { configurable: true, enumerable: false, writable: true };
  const { configurable = true, enumerable = false } = attributes;
  Object.defineProperty(owner, key, { configurable, enumerable, writable: true, value: patched });
}

function forward(original: Callable, onCall: OnCall): object {
  if (Object.hasOwn(original, "prototype")) return forwardFunction(original, onCall);
  // A method: it is no constructor, as the original is none.
  return {
    patched(this: unknown) {
      const onResult = onCall(this, arguments as unknown as unknown[]);
      const result: unknown = Reflect.apply(original, this, arguments as unknown as never[]);
      if (onResult !== undefined) onResult(result as object);
      return result;
    },
  }.patched;
}

/** An ordinary function may be called with `new`, sensible or not. */
function forwardFunction(original: Callable, onCall: OnCall): object {
  return function patched(this: unknown) {
    const onResult = onCall(this, arguments as unknown as unknown[]);
    const result: unknown = new.target
      ? Reflect.construct(original, arguments, new.target)
      : Reflect.apply(original, this, arguments as unknown as never[]);
    if (onResult !== undefined) onResult(result as object);
    return result;
  };
}

function copyProperties(from: object, to: object): void {
  for (const key of Reflect.ownKeys(from)) {
    const property = Object.getOwnPropertyDescriptor(from, key);
    if (property) Object.defineProperty(to, key, property);
  }
}
