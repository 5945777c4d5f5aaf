export interface MetadataView { current(): Record<string, unknown> }
