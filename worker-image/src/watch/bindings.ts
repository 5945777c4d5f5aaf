type Class = { prototype: object };

/** The parts of Node below its JavaScript through which every write goes, whatever module makes it. */
export interface Bindings {
  fs: object;
  spawnSync: object;
  TCP: Class;
  Pipe: Class;
  TLSWrap: Class;
  UDP: Class;
}

/** Errors: what Node throws where it does not give them, as under its permission model. */
export function nodeBindings(): Bindings {
  const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
  const of = (name: string) => binding.call(process, name);
  return {
    fs: of("fs"),
    spawnSync: of("spawn_sync"),
    TCP: of("tcp_wrap").TCP as Class,
    Pipe: of("pipe_wrap").Pipe as Class,
    TLSWrap: of("tls_wrap").TLSWrap as Class,
    UDP: of("udp_wrap").UDP as Class,
  };
}

/** The object of the prototype chain that has the property itself. */
export function holderOf(prototype: object, key: string): object | undefined {
  for (let at: object | null = prototype; at; at = Object.getPrototypeOf(at) as object | null)
    if (Object.hasOwn(at, key)) return at;
  return undefined;
}

/** Whether Node has loaded the module already: loading it only to patch it would cost start-up time, or warn. */
export function isLoaded(name: string): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  return moduleLoadList?.includes(`NativeModule ${name}`) ?? true;
}
