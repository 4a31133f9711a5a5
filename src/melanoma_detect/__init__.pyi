from . import errors as errors
from . import models as models
from . import report as report
from . import taxonomy as taxonomy
from .data.dataset import Dataset as Dataset
from .data.load import load_dataset as load_dataset
from .data_audit.audit import Audit as Audit
from .data_audit.audit import audit as audit
from .data.splits import folds as folds
from .data.balance import balance as balance
from .data.synthetic import draw_lesion as draw_lesion
from .data.synthetic import write_samples as write_samples
from .models.build import build_model as build_model
from .models.info import ModelInfo as ModelInfo
from .models.info import model_info as model_info
from .models.registry import list_models as list_models
from .inference.operating_points import OperatingPoint as OperatingPoint
from .inference.prediction import Prediction as Prediction
from .detector import Detector as Detector
from .explain.explain import Explanation as Explanation
from .scoring.score import Scores as Scores
from .scoring.score import score as score
from .evaluation.evaluation import Evaluation as Evaluation
from .export.export import Exported as Exported
from .training.recipes import Augmentation as Augmentation
from .training.recipes import Recipe as Recipe

__version__: str
