const GAP = 4;

/** Puts a popover below the button that opened it, above it where there is no room, within the window in any case. */
export function placeBelow(element: HTMLElement, trigger: HTMLElement | null, align: "start" | "end"): void {
  if (trigger === null) return;
  const at = trigger.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const left = align === "start" ? at.left : at.right - width;
  element.style.left = `${Math.max(GAP, Math.min(left, window.innerWidth - width - GAP))}px`;
  const below = at.bottom + GAP;
  const fits = below + height < window.innerHeight - GAP;
  element.style.top = `${fits ? below : Math.max(GAP, at.top - height - GAP)}px`;
}
