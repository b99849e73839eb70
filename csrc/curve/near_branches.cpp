// Avoided crossings that a curve passes: found where its curvature peaks.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "curve/follower.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

// The centre depends on where the equations are reduced: this often again, at the centre itself.
constexpr int recentrings = 6;
// Least curvature at the vertex in units of one over the distance of interest. The mean over a
// step is less, so a search asks for a part of it only.
constexpr double least_curvature = 0.5;

}  // namespace

bool Follower::curvature_peaked() {
  const bool peak = history_ >= 3 && curvature_rises_ && curvature_ < earlier_curvature_;
  peak_curvature_ = earlier_curvature_;
  curvature_rises_ = curvature_ >= earlier_curvature_;
  earlier_curvature_ = curvature_;
  return peak && peak_curvature_ * options_.near_branch_distance >= 0.25 * least_curvature;
}

Task<void> Follower::look_for_near_branch() {
  const double reach = 4.0 / peak_curvature_ + distance(n_, latest_->z.data(), earliest_->z.data());
  const double peak = earlier_->arclength;
  const double widest = options_.near_branch_distance;
  Crossing crossing = co_await find_crossing(lane_, system_, *earlier_, reach, widest);
  double change = std::numeric_limits<double>::infinity();
  for (int i = 0; i < recentrings && crossing.found && !crossing.exact; ++i) {
    const CurvePoint reference = crossing.centre;
    const double around = 4.0 * crossing.half_gap;
    crossing = co_await find_crossing(lane_, system_, reference, around, widest);
    if (!crossing.found) break;
    change = distance(n_, reference.z.data(), crossing.centre.z.data());
    if (change <= 1e-10 * crossing.half_gap + 4.0 * crossing.error) break;
  }
  crossing.error = std::max(crossing.error, change);
  if (!crossing.found || crossing.exact || crossing.half_gap > widest ||
      change > 1e-3 * crossing.half_gap || crossing.vertex_curvature * widest < least_curvature) {
    co_return;
  }
  // A peak on the way to the crossing may have shown it already; a curve may also come by twice.
  std::erase_if(near_branches_,
                [&](const NearBranch& seen) { return !seen.placed && seen.until < peak; });
  const double window = 4.0 * crossing.half_gap + latest_->arclength - earliest_->arclength;
  for (const NearBranch& seen : near_branches_) {
    if (std::fabs(seen.arclength - peak) <= window &&
        distance(n_, seen.crossing.centre.z.data(), crossing.centre.z.data()) <=
            1e-3 * crossing.half_gap + crossing.error) {
      co_return;
    }
  }
  NearBranch near;
  near.arclength = peak;
  near.until = peak + 4.0 * crossing.half_gap;
  near.crossing = std::move(crossing);
  // The place nearest to the centre, among the steps that have been taken and those to come.
  const double since = peak - 4.0 * near.crossing.half_gap;
  CurvePoint from = system_.make_point(), to = *latest_;
  for (std::size_t i = curve_.points() - 1; i-- > 0 && !near.placed;) {
    recorded(i, from);
    co_await place_near_branch(near, from, to);
    if (from.arclength < since) break;
    std::swap(from, to);
  }
  near_branches_.push_back(std::move(near));
}

void Follower::recorded(std::size_t index, CurvePoint& point) const {
  const std::size_t unknowns = point.z.size();
  std::copy_n(curve_.z.begin() + static_cast<long>(index * unknowns), unknowns, point.z.begin());
  std::copy_n(curve_.tangent.begin() + static_cast<long>(index * unknowns), unknowns,
              point.tangent.begin());
  point.arclength = curve_.arclength[index];
  point.singularity = latest_->singularity;
}

Task<void> Follower::place_near_branch(NearBranch& near, const CurvePoint& from,
                                       const CurvePoint& to) {
  const double* centre = near.crossing.centre.z.data();
  const auto past = [this, centre](const CurvePoint& p) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n_; ++i) sum += (p.z[i] - centre[i]) * p.tangent[i];
    return sum;
  };
  if (!differ_in_sign(past(from), past(to)) || past(from) > past(to)) co_return;
  CurvePoint place = system_.make_point();
  const double error = co_await locate(from, to, past, place);
  if (error < 0.0) co_return;
  const double gap = distance(n_, place.z.data(), centre);
  near.placed = true;
  near.arclength = place.arclength;
  // A crossing of other curves, far from this one.
  if (gap > options_.near_branch_distance) co_return;
  CurveEvent event;
  event.kind = EventKind::near_branch;
  event.arclength = place.arclength;
  event.error = error + near.crossing.error + system_.position_rounding(place);
  event.distance = gap;
  event.point = place;
  event.centre = near.crossing.centre.z;
  event.crossing_tangents = near.crossing.lines;
  curve_.events.push_back(std::move(event));
}

Task<void> Follower::place_near_branches() {
  for (NearBranch& near : near_branches_) {
    if (!near.placed && earlier_->arclength <= near.until) {
      co_await place_near_branch(near, *earlier_, *latest_);
    }
  }
}

}  // namespace talweg
