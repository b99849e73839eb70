// Between points of the user's and the columns of a pass over the data: one column for real data,
// two for complex data, whose rows hold (Re x, -Im x). For w = (Re w, Im w) the second column is
// (Im w, -Re w), which makes the row's second product the imaginary part of x.w.
#pragma once

#include <cstddef>

#include "phase_retrieval/row_pass.hpp"

namespace talweg {

// Column `number` of those that points make: entries j of the vector are v[j * stride].
inline void put_point(RowPass& pass, bool complex, std::size_t number, const double* v,
                      std::size_t stride) {
  if (!complex) {
    pass.put(number, v, stride);
    return;
  }
  const Panels& panels = pass.inputs();
  const std::size_t half = panels.length() / 2;
  double* const re = pass.input() + panels.place_of_column(2 * number);
  double* const im = pass.input() + panels.place_of_column(2 * number + 1);
  const std::size_t re_step = panels.step(2 * number), im_step = panels.step(2 * number + 1);
  for (std::size_t j = 0; j < half; ++j) {
    const double x = v[j * stride], y = v[(half + j) * stride];
    re[j * re_step] = x;
    re[(half + j) * re_step] = y;
    im[j * im_step] = y;
    im[(half + j) * im_step] = -x;
  }
}

// The transpose of that, times a factor.
inline void get_point(RowPass& pass, bool complex, std::size_t number, double factor, double* v,
                      std::size_t stride) {
  if (!complex) {
    pass.get(number, factor, v, stride);
    return;
  }
  const Panels& panels = pass.outputs();
  const std::size_t half = panels.length() / 2;
  const double* const re = pass.output() + panels.place_of_column(2 * number);
  const double* const im = pass.output() + panels.place_of_column(2 * number + 1);
  const std::size_t re_step = panels.step(2 * number), im_step = panels.step(2 * number + 1);
  for (std::size_t j = 0; j < half; ++j) {
    v[j * stride] = factor * (re[j * re_step] - im[(half + j) * im_step]);
    v[(half + j) * stride] = factor * (re[(half + j) * re_step] + im[j * im_step]);
  }
}

}  // namespace talweg
