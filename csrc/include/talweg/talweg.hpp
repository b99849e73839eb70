// Everything: link with the CMake target talweg::talweg.
#pragma once

#include "talweg/algebra.hpp"
#include "talweg/critical_points.hpp"
#include "talweg/defining_system.hpp"
#include "talweg/differences.hpp"
#include "talweg/extremal.hpp"
#include "talweg/gauge.hpp"
#include "talweg/hessian_spectrum.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/lapack.hpp"
#include "talweg/models.hpp"
#include "talweg/objective.hpp"
#include "talweg/record.hpp"
#include "talweg/spectrum.hpp"
#include "talweg/status.hpp"
#include "talweg/tape.hpp"
#include "talweg/tracer.hpp"
