// The sum of the squares of a data matrix's rows with weights.
#pragma once

#include <cstddef>

#include "phase_retrieval/row_pass.hpp"

namespace talweg {

// matrix (n x n) = sum over i of weights[i] x_i x_i', in double or single precision, whichever the
// data are in. Returns early where interrupted() says so, with whatever is there by then. The same
// bits for any number of workers.
template <class Number>
void weighted_squares(const DataRows& data, const Number* weights, std::size_t workers,
                      Number* matrix);

}  // namespace talweg
