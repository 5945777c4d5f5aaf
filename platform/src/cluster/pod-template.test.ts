import { expect, test } from "vitest";
import { mergePods, podTemplatesSchema, templatesFor } from "./pod-template.ts";

const container = (fields: object) => ({ spec: { containers: [{ name: "task", ...fields }] } });

test("containers, variables, volumes and mounts are merged by their names", () => {
  const merged = mergePods([
    container({ image: "a", env: [{ name: "A", value: "1" }], volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] }),
    container({ env: [{ name: "B", value: "2" }], volumeMounts: [{ name: "data", mountPath: "/data" }] }),
    { spec: { containers: [{ name: "proxy", image: "envoy" }] } },
  ]);
  expect(merged.spec?.containers).toEqual([
    {
      name: "task",
      image: "a",
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
      volumeMounts: [
        { name: "tmp", mountPath: "/tmp" },
        { name: "data", mountPath: "/data" },
      ],
    },
    { name: "proxy", image: "envoy" },
  ]);
});

test("the later source of a variable or volume replaces the earlier", () => {
  const merged = mergePods([
    { spec: { volumes: [{ name: "tmp", emptyDir: {} }] } },
    { spec: { volumes: [{ name: "tmp", persistentVolumeClaim: { claimName: "fast" } }] } },
  ]);
  expect(merged.spec?.volumes).toEqual([{ name: "tmp", persistentVolumeClaim: { claimName: "fast" } }]);
});

test("lists of plain values are replaced, objects merged by field", () => {
  const merged = mergePods([
    container({ securityContext: { runAsNonRoot: true, capabilities: { drop: ["ALL"] } } }),
    container({ securityContext: { capabilities: { drop: ["NET_RAW"] } } }),
  ]);
  expect(merged.spec?.containers?.[0]?.securityContext).toEqual({
    runAsNonRoot: true,
    capabilities: { drop: ["NET_RAW"] },
  });
});

test("a task's named template takes the place of its preset's, over the default", () => {
  const templates = podTemplatesSchema.parse({
    default: { metadata: { labels: { team: "data" } } },
    presets: { micro: { spec: { priorityClassName: "low" } } },
    named: { gpu: { spec: { nodeSelector: { gpu: "yes" } } } },
  });
  expect(templatesFor(templates, "micro", undefined)).toEqual([templates.default, templates.presets?.micro]);
  expect(templatesFor(templates, "micro", "gpu")).toEqual([templates.default, templates.named?.gpu]);
  expect(templatesFor(templates, "large-1x", undefined)).toEqual([templates.default]);
  expect(templatesFor(templates, "micro", "tpu")).toBeUndefined();
});

test("a template of another shape is refused with the place", () => {
  const parsed = podTemplatesSchema.safeParse({ default: { annotations: { a: "b" } } });
  expect(parsed.error?.issues[0]?.message).toContain("annotations");
});
