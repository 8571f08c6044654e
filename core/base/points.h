// Points of the core where the simulator looks in or bends what happens. In production they are nothing at all: only
// the simulator's own build of the core defines CHASQUI_SIMULATED (sim/CMakeLists.txt), and CI greps that chasquid
// holds no trace of them. In .cc files only: a header with a point would be two headers.
//
//   CHASQUI_MARK("cursor_resent");             this rare branch ran; plans can aim a fault at it
//   if (CHASQUI_MAYBE("short_batch")) ...      true when the plan makes a rare branch happen
//   if (CHASQUI_CANARY("cursor_early")) ...    true when this bug is switched on, to see that an invariant notices
#pragma once

#ifdef CHASQUI_SIMULATED
#include "core/base/points_state.h"
#define CHASQUI_MARK(name) ::chasqui::points::mark(name)
#define CHASQUI_MAYBE(name) ::chasqui::points::maybe(name)
#define CHASQUI_CANARY(name) ::chasqui::points::canary_is<::chasqui::points::id_of(name)>()
#else
#define CHASQUI_MARK(name) static_cast<void>(0)
#define CHASQUI_MAYBE(name) false
#define CHASQUI_CANARY(name) false
#endif
